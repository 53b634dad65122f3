public import EventSourcing

/// Some events of one ordered sequence without a duplicate and without a hole.
public struct EventBatch: Sendable {
    public var events: [RecordedEvent]
    /// Every matching event up to here has been given: the checkpoint to go on from. In a read
    /// backwards, the position above which every matching event has been given.
    public var through: UInt64
    /// Whether that was the head of the log when the batch was made.
    public var isCaughtUp: Bool

    public init(events: [RecordedEvent], through: UInt64, isCaughtUp: Bool) {
        self.events = events
        self.through = through
        self.isCaughtUp = isCaughtUp
    }
}

extension AsyncSequence where Element == EventBatch {
    /// The events one by one.
    public var events: BatchedEvents<Self> { BatchedEvents(base: self) }
}

/// The events of a read or a subscription, one by one.
public struct BatchedEvents<Base: AsyncSequence>: AsyncSequence where Base.Element == EventBatch {
    fileprivate let base: Base

    public func makeAsyncIterator() -> Iterator { Iterator(base: base.makeAsyncIterator()) }

    public struct Iterator: AsyncIteratorProtocol {
        fileprivate var base: Base.AsyncIterator
        private var batch = [RecordedEvent]().makeIterator()

        fileprivate init(base: Base.AsyncIterator) { self.base = base }

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
