/// A closed set of event types that some code understands: usually an enum with a case for each.
///
/// Each reader declares the family that it reads. Upcasters turn older types into current ones.
public protocol EventFamily: Sendable, SendableMetatype {
    /// The categories of the family's events.
    static var categories: [String] { get }
    /// The names of the family's types.
    static var types: [String] { get }

    /// Creates the event of this type and data, or returns nil if the family lacks the type.
    ///
    /// - Throws: if the data does not fit the type.
    init?(type: String, data: ArraySlice<UInt8>) throws
    /// Creates the event of this type and data in a stream, or returns nil if the family lacks the
    /// type.
    ///
    /// - Throws: if the data does not fit the type, or belongs to another stream. The default does
    ///   not check the stream.
    init?(type: String, data: ArraySlice<UInt8>, in stream: StreamName) throws

    /// Returns the upcasters for older types of the category.
    static func upcasters(of category: String) -> Upcasters
    /// Returns whether the category is known to have the type, in the family or not.
    static func isKnown(_ type: String, of category: String) -> Bool
}

extension EventFamily {
    /// Creates the event without a check of its stream.
    public init?(type: String, data: ArraySlice<UInt8>, in stream: StreamName) throws {
        try self.init(type: type, data: data)
    }

    /// Returns no upcasters.
    public static func upcasters(of category: String) -> Upcasters { .none }
    /// Returns whether the type is one of the family's.
    public static func isKnown(_ type: String, of category: String) -> Bool {
        types.contains(type)
    }

    /// The query of the family's events in all their versions, and of no others.
    public static var query: EventQuery {
        let types = categories.reduce(types) { upcasters(of: $1).sources(of: $0) }
        return EventQuery([.init(categories: categories, types: types)])
    }

    /// The query of all events of the family's categories, known or not.
    public static var queryOfCategories: EventQuery { .categories(categories) }
}

/// A family whose events can also be written to the log.
public protocol PublishedEvent: EventFamily {
    /// The name of the event's type.
    var type: String { get }
    /// The tags that queries and append conditions can ask for, such as `order:<id>`.
    var tags: [String] { get }
    /// The id of the event that this one reverses, or nil.
    ///
    /// The log never loses an event. A later event undoes an earlier one.
    var reverses: EventID? { get }
    /// Returns the event's data.
    func encoded() throws -> [UInt8]
    /// Returns why `service` can't reverse the event, with what to do instead, or nil if it can.
    func obstacle(toReversalBy service: String) -> String?
}

/// An event with its place in the log.
public struct Recorded<Event: Sendable>: Sendable {
    /// The event.
    public var event: Event
    /// The position in the log, from 1.
    public var position: UInt64
    /// The stream that holds the event.
    public var stream: StreamName
    /// The revision in the stream, from 0.
    public var revision: UInt64
    /// The event's id.
    public var id: EventID
    /// The time of commit, or the original one of an event that was imported from another log.
    public var time: Timestamp
    /// The id of the conversation that the event belongs to.
    public var correlationID: EventID
    /// The id of the event or command that caused the event, or `EventID.none`.
    public var causationID: EventID

    /// Creates an event with its place.
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
    /// Returns the family's events in `record`, in their current version.
    ///
    /// Most records hold one event. The result is empty if the family does not use the type, or if
    /// an amendment says to skip the event. It has several events if an upcaster splits the record;
    /// they share its position, id and time.
    ///
    /// - Parameter reader: the reader's type, named in the error.
    /// - Throws: if the record is in one of the family's categories and its type is unknown, if its
    ///   data does not fit its type, or if its data belongs to another stream.
    public static func events(
        in record: RecordedEvent, by reader: Any.Type
    ) throws(UnreadableEvent) -> [Recorded] {
        guard !record.isSkipped else { return [] }
        do {
            return try decode(record, by: reader)
        } catch let error as UnreadableEvent {
            throw error
        } catch {
            throw UnreadableEvent(record, "\(error)")
        }
    }

    private static func decode(
        _ record: RecordedEvent, by reader: Any.Type
    ) throws -> [Recorded] {
        let (type, data, stream) = (record.type, record.data, record.stream)
        if let event = try Event(type: type, data: data, in: stream) {
            return [Recorded(event, record, stream)]
        }
        let category = stream.category
        guard Event.categories.contains(category) else { return [] }
        let contents = try Event.upcasters(of: category).upcast(.init(type: type, data: data))
        return try contents.compactMap { content in
            if let event = try Event(type: content.type, data: content.data, in: stream) {
                return Recorded(event, record, stream)
            }
            guard Event.isKnown(content.type, of: category) else {
                throw UnreadableEvent.unknownType(of: record, reader: reader)
            }
            return nil
        }
    }

    /// Returns the family's events in `record`, for a reader that must understand every record.
    ///
    /// - Throws: also if the record has a current type outside the family.
    public static func required(
        in record: RecordedEvent, by reader: Any.Type
    ) throws(UnreadableEvent) -> [Recorded] {
        let events = try events(in: record, by: reader)
        guard events.isEmpty, !record.isSkipped,
            Event.upcasters(of: record.category)[record.type] == nil
        else {
            return events
        }
        throw .unknownType(of: record, reader: reader)
    }

    private init(_ event: Event, _ record: RecordedEvent, _ stream: StreamName) {
        self.init(
            event, position: record.position, stream: stream, revision: record.revision,
            id: record.id, time: record.occurredAt, correlationID: record.correlationID,
            causationID: record.causationID)
    }
}
