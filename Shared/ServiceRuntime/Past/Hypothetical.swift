public import EventSourcing

/// An event of the log, as it is spoken of.
public struct PastEvent: Codable, Hashable, Sendable {
    public var position: UInt64
    /// When it was committed.
    public var time: Timestamp
    public var stream: StreamName
    public var type: String
    public var id: EventID

    init(_ event: RecordedEvent) {
        position = event.position
        time = event.time
        stream = event.stream
        type = event.type
        id = event.id
    }
}

/// What a query would be answered, had one event not happened: its stream folded without it.
public struct Hypothetical<State: Codable & Sendable>: Codable, Sendable {
    /// True, so that nobody takes this for what is.
    public var hypothetical = true
    /// The event that is thought away.
    public var without: PastEvent
    /// Nil if the query would be refused.
    public var state: State?
    /// Why the query would be refused.
    public var refusal: String?
    /// The later events of the stream that could not have been decided on, in their order. They are
    /// in the state nonetheless: they did happen.
    public var noLongerAllowed: [Objection] = []

    init(without event: PastEvent) { without = event }
}

/// Why an event could not have been decided on.
public struct Objection: Codable, Hashable, Sendable {
    public var event: PastEvent
    public var reason: String
}

/// What a query was answered at two points in the log, and what happened between them.
package struct Difference<State: Sendable>: Sendable {
    /// An event, and the answer behind it.
    package struct Step: Sendable {
        package var event: PastEvent
        package var state: State?
    }

    /// Positions.
    package var from: UInt64
    package var to: UInt64
    /// Nil if there was no such thing.
    package var before: State?
    package var steps: [Step] = []

    init(from: UInt64, to: UInt64) {
        self.from = from
        self.to = to
    }

    package var after: State? { steps.isEmpty ? before : steps[steps.count - 1].state }
}
