public import EventSourcing

/// The data of one of the bus's events.
///
/// Any client with permission to append to the bus's streams can write such an event, and so can an
/// import. So the bus checks each one that it reads, and ignores invalid ones.
public protocol BusEventData: Codable {
    /// The id of the event's stream, such as `orders` for `$queue-orders`. Nil if the data lacks
    /// it.
    var streamID: String? { get }
    /// Returns why the data is invalid for an event at `position`, in one line; nil if it is valid.
    func fault(at position: UInt64) -> String?
}

extension BusEventData {
    /// Returns why the data is invalid for `event`, in one line; nil if it is valid.
    public func fault(in event: RecordedEvent) -> String? {
        if let streamID, streamID != event.stream.id {
            return "it is about '\(streamID)', but in stream \(event.stream)"
        }
        return fault(at: event.position)
    }
}

extension RuleDefinition: BusEventData {
    /// The name of the rule.
    public var streamID: String? { name }
    /// Why the definition is invalid, or nil.
    public func fault(at position: UInt64) -> String? { faultInLog }
}

extension QueueDefinition: BusEventData {
    /// The name of the queue.
    public var streamID: String? { name }
    /// Why the definition is invalid, or nil.
    public func fault(at position: UInt64) -> String? { fault }
}

extension ArchiveDefinition: BusEventData {
    /// The name of the archive.
    public var streamID: String? { name }
    /// Why the definition is invalid, or nil.
    public func fault(at position: UInt64) -> String? { fault }
}

extension ReplayDefinition: BusEventData {
    /// The name of the replay.
    public var streamID: String? { name }
    /// Why the definition is invalid, or nil.
    public func fault(at position: UInt64) -> String? { fault }
}

extension DeadLetter: BusEventData {
    /// The name of the queue.
    public var streamID: String? { queue }

    /// Returns why the dead letter is invalid, or nil.
    ///
    /// Its event and its sequence must come before its own position.
    public func fault(at position: UInt64) -> String? {
        if let fault = BusName.fault(queue, of: "queue") { return fault }
        if !rule.isEmpty, let fault = BusName.fault(rule, of: "rule") { return fault }
        if let replay, let fault = BusName.fault(replay, of: "replay") { return fault }
        guard self.position >= 1, self.position < position else {
            return "the position of a dead event is 1 to \(position - 1), not \(self.position)"
        }
        // A queue numbers its entries from 2^28 times the position of its own event.
        guard sequence >> 28 < position, sequence < 1 << 62 else {
            return "no queue has reached sequence \(sequence)"
        }
        let maximum = RetryPolicy.receives.upperBound
        return (0...maximum).fault(receives, "a dead event was received 0 to \(maximum) times")
    }
}

extension DeadLetterClosure: BusEventData {
    /// The name of the queue.
    public var streamID: String? { queue }

    /// Returns why the redrive or discard is invalid, or nil.
    ///
    /// The dead letter must come before it.
    public func fault(at position: UInt64) -> String? {
        if let fault = BusName.fault(queue, of: "queue") { return fault }
        guard deadLetter >= 1, deadLetter < position else {
            return "the position of a dead letter is 1 to \(position - 1), not \(deadLetter)"
        }
        return nil
    }
}

extension ReplayEnd: BusEventData {
    /// Nil: the data does not name its replay.
    public var streamID: String? { nil }

    /// Returns why the end of a replay is invalid, or nil.
    public func fault(at position: UInt64) -> String? {
        state.isEnd ? nil : "a replay ends COMPLETED, CANCELLED or FAILED, not \(state.rawValue)"
    }
}
