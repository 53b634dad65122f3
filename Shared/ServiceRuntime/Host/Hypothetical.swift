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
        time = event.occurredAt
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

/// The request for a ``Difference``, the argument of a query.
package struct DifferenceRequest: Codable, Sendable {
    /// The name of the call.
    package static let name = "diff"

    /// The id of the entity.
    package var id: String
    /// The point in the log to start after, or nil for the beginning.
    package var from: Moment?
    /// The point in the log to end with, or nil for now.
    package var to: Moment?

    /// Creates a request.
    package init(id: String, from: Moment? = nil, to: Moment? = nil) {
        self.id = id
        self.from = from
        self.to = to
    }
}

/// An entity at two positions in the log, and what each event between them changed.
package struct Difference<Entity: FieldView>: Codable, Sendable {
    /// An event and what it changed.
    package struct Step: Codable, Sendable {
        /// The event.
        package var event: PastEvent
        /// The fields whose values the event changed.
        package var changes: [FieldChange]
    }

    /// How many events a difference may list, because it is one answer in memory.
    private static var limit: Int { 10_000 }

    /// The id of the entity.
    package var id: String
    /// The position of the first state.
    package var from: UInt64
    /// The position of the last state.
    package var to: UInt64
    /// The entity at `from`, or nil if it did not exist.
    package var before: Entity?
    /// The entity at `to`, or nil if it did not exist.
    package var after: Entity?
    /// The events after `from`, up to `to`, that concern the entity.
    package var events: [Step] = []

    /// Adds the next event, after which the entity is `entity`.
    ///
    /// - Throws: `rejected` if there are too many events.
    mutating func add(_ event: PastEvent, after entity: Entity?) throws {
        try require(
            events.count < Self.limit, .rejected,
            "\(id) has more than \(Self.limit) events between positions \(from) and \(to); "
                + "narrow the range with --from and --to")
        events.append(Step(event: event, changes: FieldChange.changes(after, entity)))
        after = entity
    }
}
