import Foundation

/// How far a work has come, on standard error if that is a terminal, from a second on.
public struct ProgressBar {
    private let title: String
    private var total: Int
    private let isShown = isatty(STDERR_FILENO) == 1
    private let started = ContinuousClock.now
    private var last = ContinuousClock.now
    private var hasShown = false

    public init(_ title: String, total: Int) {
        self.title = title
        self.total = max(total, 1)
    }

    /// Shows that `done` of all are done; often called, seldom drawn.
    public mutating func show(_ done: Int, _ what: String = "") {
        let now = ContinuousClock.now
        guard isShown, now - started > .seconds(1), now - last > .milliseconds(100) else { return }
        last = now
        hasShown = true
        let filled = min(30, done * 30 / total)
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 30 - filled)
        write("\r\(title) \(bar) \(done)/\(total) \(what)")
    }

    /// The same, when what is to be done grows.
    public mutating func show(_ done: Int, of total: Int, _ what: String = "") {
        self.total = max(total, 1)
        show(done, what)
    }

    /// Leaves the line.
    public func end() {
        if hasShown { write("\n") }
    }

    private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}
