public import EventSourcing

/// Consecutive events of an ordered sequence, without duplicates and gaps.
public struct EventBatch: Sendable {
    /// The events of the batch. It may be empty when only the checkpoint has moved.
    public var events: [RecordedEvent]
    /// The position up to which every matching event was returned, the checkpoint to resume from.
    ///
    /// In a read backwards, the position above which every matching event was returned.
    public var through: UInt64
    /// Whether `through` was the head of the log when the batch was made.
    public var isCaughtUp: Bool

    /// Creates a batch.
    public init(events: [RecordedEvent], through: UInt64, isCaughtUp: Bool) {
        self.events = events
        self.through = through
        self.isCaughtUp = isCaughtUp
    }
}

extension AsyncSequence where Element == EventBatch {
    /// The single events of the batches.
    public var events: BatchedEvents<Self> { BatchedEvents(base: self) }
}

/// The single events of a read or a subscription.
public struct BatchedEvents<Base: AsyncSequence>: AsyncSequence where Base.Element == EventBatch {
    fileprivate let base: Base

    /// Returns an iterator over the events.
    public func makeAsyncIterator() -> Iterator { Iterator(base: base.makeAsyncIterator()) }

    /// An iterator over single events.
    public struct Iterator: AsyncIteratorProtocol {
        fileprivate var base: Base.AsyncIterator
        private var batch = [RecordedEvent]().makeIterator()

        fileprivate init(base: Base.AsyncIterator) { self.base = base }

        /// Returns the next event, or nil at the end.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(Base.Failure) -> RecordedEvent? {
            while true {
                if let event = batch.next() { return event }
                guard let next = try await base.next(isolation: actor) else { return nil }
                batch = next.events.makeIterator()
            }
        }
    }
}

extension BatchedEvents: Sendable where Base: Sendable {}
