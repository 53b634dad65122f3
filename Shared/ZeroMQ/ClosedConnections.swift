import Synchronization

/// Counts the connections that the process has closed because they exceeded a limit.
public final class ClosedConnections: Sendable {
    /// The limit that a connection exceeded.
    public enum Reason: String, CaseIterable, Sendable {
        /// Too many connections of its sender, of silent peers, or of the process.
        case connections
        /// Too few descriptors were free.
        case descriptors
        /// A message without an end, too many bytes that waited, or another protocol.
        case unprocessed
        /// The subscriber did not take its messages.
        case unread
    }

    /// The counters of this process.
    public static let shared = ClosedConnections()

    private let counts = Mutex<[Reason: UInt64]>([:])

    func note(_ reason: Reason) { counts.withLock { $0[reason, default: 0] += 1 } }

    /// Returns how many connections were closed for the reason.
    public subscript(reason: Reason) -> UInt64 { counts.withLock { $0[reason] ?? 0 } }
}
