import EventSourcing
import WireProtocol

extension Deliveries {
    enum Action: Hashable, Sendable {
        /// The entry is dead and becomes a dead letter.
        case deadLetter(QueueEntry, queue: String, DeadLetterCause)
        /// A caller can continue.
        case resume(Waiter)
    }

    /// A receive in progress.
    struct Receive: Hashable, Sendable {
        let request: ReceiveRequest
        let key: ConsumerKey
        let deadline: RunningTime
    }

    /// The result of a lease attempt.
    enum Received: Hashable, Sendable {
        case deliveries([QueueState.Delivery])
        /// Entries wait on disk, after a sequence. Load them and try again.
        case needsLoad(after: UInt64)
        /// Wait until an entry is ready, and try again.
        case wait
        /// There are no deliveries.
        case nothing
    }

    /// A queue that is filled with events from before its first rule.
    struct Filling: Hashable, Sendable {
        let queue: String
        let id: Int64
        /// The position up to which the queue is filled.
        let position: UInt64
        /// The commit time of the queue's first possible event.
        let since: Timestamp
    }
}
