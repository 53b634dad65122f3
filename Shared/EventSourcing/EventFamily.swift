/// A closed set of event types that some code understands: usually an enum with a case for each.
///
/// Whoever listens declares the family it listens to; what is not in it, it never sees.
public protocol EventFamily: Sendable, SendableMetatype {
    /// The categories in which the family's events are found.
    static var categories: [String] { get }
    /// The names of the types in the family.
    static var types: [String] { get }

    /// The event whose type and data these are; nil if the family has no such type.
    /// - Throws: if the data is not what the type says.
    init?(type: String, data: ArraySlice<UInt8>) throws
}

extension EventFamily {
    /// Asks for the family's events and no others.
    public static var query: EventQuery {
        EventQuery([.init(categories: categories, types: types)])
    }
}

/// A family whose events can be written to the log, too.
public protocol PublishedEvent: EventFamily {
    var type: String { get }
    /// What queries and consistency boundaries may ask for: `order:<id>`.
    var tags: [String] { get }
    func encoded() throws -> [UInt8]
}

/// An event together with its place in the log.
public struct Recorded<Event: Sendable>: Sendable {
    public var event: Event
    public var position: UInt64
    public var stream: StreamName
    public var revision: UInt64
    public var id: EventID
    public var time: Timestamp
    public var correlationID: EventID
    public var causationID: EventID

    public init(
        _ event: Event, position: UInt64, stream: StreamName, revision: UInt64, id: EventID,
        time: Timestamp, correlationID: EventID, causationID: EventID = .none
    ) {
        self.event = event
        self.position = position
        self.stream = stream
        self.revision = revision
        self.id = id
        self.time = time
        self.correlationID = correlationID
        self.causationID = causationID
    }
}

extension Recorded where Event: EventFamily {
    /// The event of the family that `record` holds, or nil if the family has no such type.
    public init?(_ record: RecordedEvent) throws {
        guard let event = try Event(type: record.type, data: record.data) else { return nil }
        self.init(
            event, position: record.position, stream: record.stream, revision: record.revision,
            id: record.id, time: record.time, correlationID: record.correlationID,
            causationID: record.causationID)
    }
}
