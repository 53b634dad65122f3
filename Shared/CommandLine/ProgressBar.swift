import Bytes
import Foundation
import Observability

/// How far a work has come, how fast it goes and how long it will take yet: on standard error if
/// that is a terminal, from a second on.
public struct ProgressBar {
    private let title: String
    private var total: Int
    private let isShown = isatty(STDERR_FILENO) == 1
    private let started = ContinuousClock.now
    private var last = ContinuousClock.now
    private var hasShown = false
    /// What was done when the first of it was shown: a work that is joined has come some way.
    private var doneAtFirst: Int?

    private let showsPace: Bool

    /// - Parameter showsPace: whether the bar is to say how fast it goes; not if who shows it does.
    public init(_ title: String, total: Int, showsPace: Bool = true) {
        self.title = title
        self.showsPace = showsPace
        self.total = max(total, 1)
    }

    /// Shows that `done` of all are done; often called, seldom drawn.
    public mutating func show(_ done: Int, _ what: String = "") {
        let now = ContinuousClock.now
        let first = doneAtFirst ?? done
        doneAtFirst = first
        guard isShown, now - started > .seconds(1), now - last > .milliseconds(100) else { return }
        last = now
        hasShown = true
        let share = Double(max(done, 0)) / Double(total)
        let filled = Int(clamping: min(share, 1) * 30)
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 30 - filled)
        let pace =
            showsPace
            ? Self.pace(
                Double(done) - Double(first), of: Double(total) - Double(first), in: now - started)
            : ""
        let rest = (what.isEmpty ? "" : " ") + what + pace
        // The end of a longer line that was there before is wiped out.
        write("\r\(title) \(bar) \(done)/\(total)\(rest)\u{1B}[K")
    }

    /// As in `, 5200/s, 1:05 left`.
    static func pace(_ done: Double, of total: Double, in time: Duration) -> String {
        let rate = done / (time / .seconds(1))
        guard rate > 0 else { return "" }
        let left = Int(clamping: (max(total - done, 0) / rate).rounded(.up))
        let seconds = left % 60 < 10 ? "0\(left % 60)" : "\(left % 60)"
        return ", \(Int(clamping: rate))/s, \(left / 60):\(seconds) left"
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

    private func write(_ text: String) { FileHandle.standardError.tell(text) }
}
