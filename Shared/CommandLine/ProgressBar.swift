import Bytes
import Foundation

/// A progress bar with the rate and the remaining time.
///
/// It is drawn on standard error if that is a terminal, for work that takes more than a second.
public struct ProgressBar {
    private let title: String
    private var total: Int
    private let isShown = isatty(STDERR_FILENO) == 1
    private let started = ContinuousClock.now
    private var last = ContinuousClock.now
    private var hasShown = false
    /// The progress when the bar was first shown, which counts neither for the rate nor for the
    /// remaining time. It is above 0 for work that had begun earlier.
    private var doneAtFirst: Int?

    private let showsPace: Bool

    /// Creates a progress bar.
    ///
    /// - Parameters:
    ///   - title: the text before the bar.
    ///   - total: the progress at which the work is done.
    ///   - showsPace: whether the bar shows the rate and the remaining time. The caller may show
    ///     its own.
    public init(_ title: String, total: Int, showsPace: Bool = true) {
        self.title = title
        self.showsPace = showsPace
        self.total = max(total, 1)
    }

    /// Shows the progress. It may be called often: the bar is drawn at most every 100 ms.
    ///
    /// - Parameters:
    ///   - total: the new total of work that grows meanwhile, or nil to keep the current total.
    ///   - what: a text to show after the numbers.
    public mutating func show(_ done: Int, of total: Int? = nil, _ what: String = "") {
        if let total { self.total = max(total, 1) }
        let now = ContinuousClock.now
        let first = doneAtFirst ?? done
        doneAtFirst = first
        guard isShown, now - started > .seconds(1), now - last > .milliseconds(100) else { return }
        last = now
        hasShown = true
        let share = Double(max(done, 0)) / Double(self.total)
        let filled = Int(clamping: min(share, 1) * 30)
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 30 - filled)
        let pace =
            showsPace
            ? Self.pace(
                Double(done) - Double(first), of: Double(self.total) - Double(first),
                in: now - started)
            : ""
        let rest = (what.isEmpty ? "" : " ") + what.visible + pace
        // The escape sequence erases what remains of a longer previous line.
        write("\r\(title) \(bar) \(done)/\(self.total)\(rest)\u{1B}[K")
    }

    /// Returns the rate and the remaining time, such as `, 5200/s, 1:05 left`.
    static func pace(_ done: Double, of total: Double, in time: Duration) -> String {
        let rate = done / (time / .seconds(1))
        guard rate > 0 else { return "" }
        let left = Int(clamping: (max(total - done, 0) / rate).rounded(.up))
        let seconds = left % 60 < 10 ? "0\(left % 60)" : "\(left % 60)"
        return ", \(Int(clamping: rate))/s, \(left / 60):\(seconds) left"
    }

    /// Ends the line of the bar, if it was drawn.
    public func end() {
        if hasShown { write("\n") }
    }

    private func write(_ text: String) { Output.writeError(text.utf8) }
}
