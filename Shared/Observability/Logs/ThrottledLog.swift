package import Logging
import Synchronization

/// Writes down what may happen without end, once in a while for each that it happens to, and how
/// often it has: so nobody fills the disk by asking.
package final class ThrottledLog: Sendable {
    private static let interval: Duration = .seconds(1)

    private struct Entry: Sendable {
        var notedAt: ContinuousClock.Instant
        var passedOver = 0
        var total = 0
    }

    private let entries = Mutex<[String: Entry]>([:])
    private let logger: Logger

    package init(_ logger: Logger) { self.logger = logger }

    /// - Parameter caller: one of few: the name of a key, say.
    package func note(_ text: String, of caller: String) {
        let noted = entries.withLock { entries -> Entry? in
            let now = ContinuousClock.now
            var entry = entries[caller] ?? Entry(notedAt: now - Self.interval)
            entry.total += 1
            defer { entries[caller] = entry }
            guard entry.notedAt + Self.interval <= now else {
                entry.passedOver += 1
                return nil
            }
            defer { (entry.notedAt, entry.passedOver) = (now, 0) }
            return entry
        }
        guard let noted else { return }
        logger.warning(
            "\(text)",
            metadata: [
                "of": "\(caller)", "passed-over": "\(noted.passedOver)",
                "total": "\(noted.total)",
            ])
    }
}
