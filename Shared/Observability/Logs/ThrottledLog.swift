package import Logging
import Synchronization

/// Logs at most one message per caller and second, with the number of messages that it left out.
///
/// Without the limit, a client could fill the disk with messages about its requests.
package final class ThrottledLog: Sendable {
    /// The shortest time between two messages of a caller, if the caller names no other.
    package static let interval: Duration = .seconds(1)

    private struct Entry: Sendable {
        var notedAt: ContinuousClock.Instant
        var suppressed = 0
        var total = 0
    }

    private let entries = Mutex<[String: Entry]>([:])
    private let logger: Logger

    package init(_ logger: Logger) { self.logger = logger }

    /// Logs a message, or counts it if the caller's last message is less than `interval` old.
    ///
    /// - Parameter caller: the name of a key, for instance. Callers are never forgotten, so their
    ///   number must be bounded.
    package func note(_ text: String, of caller: String, every interval: Duration = interval) {
        let noted = entries.withLock { entries -> Entry? in
            let now = ContinuousClock.now
            var entry = entries[caller] ?? Entry(notedAt: now - interval)
            entry.total += 1
            defer { entries[caller] = entry }
            guard entry.notedAt + interval <= now else {
                entry.suppressed += 1
                return nil
            }
            defer { (entry.notedAt, entry.suppressed) = (now, 0) }
            return entry
        }
        guard let noted else { return }
        logger.warning(
            "\(text)",
            metadata: [
                "of": "\(caller)", "suppressed": "\(noted.suppressed)",
                "total": "\(noted.total)",
            ])
    }
}
