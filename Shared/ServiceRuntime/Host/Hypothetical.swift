public import EventSourcing

/// The identifying fields of an event in the log, without its data.
public struct PastEvent: Codable, Hashable, Sendable {
    /// The position in the log.
    public var position: UInt64
    /// The commit time.
    public var time: Timestamp
    /// The stream that contains the event.
    public var stream: StreamName
    /// The event type, such as `OrderPlaced`.
    public var type: String
    /// The id.
    public var id: EventID

    init(_ event: RecordedEvent) {
        position = event.position
        time = event.time
        stream = event.stream
        type = event.type
        id = event.id
    }
}

/// The answer of a query as if one event had not happened, folded from the other events.
public struct Hypothetical<State: Codable & Sendable>: Codable, Sendable {
    /// Always true. It marks the answer so that nobody mistakes it for the actual state.
    public var hypothetical = true
    /// The event that the answer leaves out.
    public var without: PastEvent
    /// The answer, or nil if the query would be rejected.
    public var state: State?
    /// Why the query would be rejected, or nil if it would not.
    public var refusal: String?
    /// The later events of the stream that could not have happened, in stream order.
    ///
    /// The state contains them nevertheless, because they did happen.
    public var noLongerAllowed: [Objection] = []

    init(without event: PastEvent) { without = event }
}

/// An event that could not have happened, and why.
public struct Objection: Codable, Hashable, Sendable {
    /// The event.
    public var event: PastEvent
    /// Why it could not have happened, in plain words.
    public var reason: String
}

/// The answers of a query at two positions in the log, and after each event between them.
package struct Difference<State: Sendable>: Sendable {
    /// An event and the answer after it.
    package struct Step: Sendable {
        /// The event.
        package var event: PastEvent
        /// The answer after the event, or nil if the query was rejected then.
        package var state: State?
    }

    /// The position of the first answer.
    package var from: UInt64
    /// The position of the last answer.
    package var to: UInt64
    /// The answer at `from`, or nil if the query was rejected then.
    package var before: State?
    /// The events after `from`, up to `to`, that concern the query.
    package var steps: [Step] = []

    init(from: UInt64, to: UInt64) {
        self.from = from
        self.to = to
    }

    /// The answer at `to`, or nil if the query was rejected then.
    package var after: State? { steps.isEmpty ? before : steps[steps.count - 1].state }
}
