import DequeModule
import WireProtocol

/// The last leases that a verdict ended. A repeated verdict gets the first answer.
///
/// A client repeats an acknowledgement whose answer is late or lost. Without this memory the
/// answer would be that the acknowledgement came too late. The memory ends with the process.
struct EndedLeases {
    /// How a lease ended.
    struct End: Hashable {
        let sequence: UInt64
        let lease: UInt64
        let isAcknowledged: Bool

        /// Nil if the verdict does not end the lease.
        init?(_ acknowledgement: Acknowledgement) {
            switch acknowledgement.verdict {
            case .acknowledged: isAcknowledged = true
            case .failed: isAcknowledged = false
            case .extended: return nil
            }
            (sequence, lease) = (acknowledgement.sequence, acknowledgement.lease)
        }
    }

    /// Several times as many as one message acknowledges.
    private static let limit = 16_384
    private var ends: Set<End> = []
    private var order: Deque<End> = []

    mutating func insert(_ end: End) {
        ends.insert(end)
        order.append(end)
        if order.count > Self.limit { ends.remove(order.removeFirst()) }
    }

    func contains(_ end: End) -> Bool { ends.contains(end) }
}
