import Synchronization

/// Counts the connections that the process has closed because they exceeded a limit.
public final class ClosedConnections: Sendable {
    /// The limit that a connection exceeded.
    public enum Reason: String, CaseIterable, Sendable {
        /// Too many connections of its sender, of silent peers, or of the process.
        case connections
        /// Too few descriptors were free.
        case descriptors
        /// Too many bytes that no whole message had been made of, or that waited.
        case unprocessed
        /// The process had grown, and the connection may have been the cause.
        case memory
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
