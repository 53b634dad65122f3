/// A closed set of event types that some code understands: usually an enum with a case for each.
///
/// Whoever listens declares the family it listens to. Events of old are read as what they are
/// today.
public protocol EventFamily: Sendable, SendableMetatype {
    /// The categories in which the family's events are found.
    static var categories: [String] { get }
    /// The names of the types in the family.
    static var types: [String] { get }

    /// The event whose type and data these are; nil if the family has no such type.
    /// - Throws: if the data is not what the type says.
    init?(type: String, data: ArraySlice<UInt8>) throws

    /// How events of the category are read that are of types no longer written.
    static func upcasters(of category: String) -> Upcasters
    /// Whether the category is known to have events of the type, be they of the family or not.
    static func isKnown(_ type: String, of category: String) -> Bool
}

extension EventFamily {
    public static func upcasters(of category: String) -> Upcasters { .none }
    public static func isKnown(_ type: String, of category: String) -> Bool {
        types.contains(type)
    }

    /// Asks for the family's events, of whatever version, and no others.
    public static var query: EventQuery {
        let types = categories.reduce(types) { upcasters(of: $1).sources(of: $0) }
        return EventQuery([.init(categories: categories, types: types)])
    }

    /// Asks for all events of the family's categories, be they known or not.
    public static var queryOfCategories: EventQuery { .categories(categories) }
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
    /// The events of the family that `record` holds, as they are read today: mostly one; none, if
    /// it is known to mean nothing to the family; several, if its type was split. Those have their
    /// place, id and time in common.
    ///
    /// - Parameter reader: named in the error.
    /// - Throws: `UnknownEvent` if the record is of one of the family's categories and of a type
    ///   that nothing is known of; what the type's upcaster or the family throws for its data.
    public static func events(in record: RecordedEvent, by reader: Any.Type) throws -> [Recorded] {
        let (type, data) = (record.type, record.data)
        if let event = try Event(type: type, data: data) { return [Recorded(event, record)] }
        let category = record.category
        guard Event.categories.contains(category) else { return [] }
        let contents = try Event.upcasters(of: category).upcast(.init(type: type, data: data))
        return try contents.compactMap { content in
            if let event = try Event(type: content.type, data: content.data) {
                return Recorded(event, record)
            }
            guard Event.isKnown(content.type, of: category) else {
                throw UnknownEvent(record, reader: reader)
            }
            return nil
        }
    }

    /// The same for a reader whom every record that comes to it must concern.
    ///
    /// - Throws: `UnknownEvent` as well if the record is of a type that is written today, but is
    ///   not in the family.
    public static func required(in record: RecordedEvent, by reader: Any.Type) throws -> [Recorded]
    {
        let events = try events(in: record, by: reader)
        guard events.isEmpty, Event.upcasters(of: record.category)[record.type] == nil else {
            return events
        }
        throw UnknownEvent(record, reader: reader)
    }

    private init(_ event: Event, _ record: RecordedEvent) {
        self.init(
            event, position: record.position, stream: record.stream, revision: record.revision,
            id: record.id, time: record.time, correlationID: record.correlationID,
            causationID: record.causationID)
    }
}

/// An event that the code in hand does not know: going on without it would give a wrong state.
public struct UnknownEvent: ClassifiedError, Hashable {
    public let description: String
    public var kind: DaybookError.Kind { .unreadable }

    public init(_ record: RecordedEvent, reader: Any.Type) {
        description =
            "\(reader) does not know event type \(record.type) at position \(record.position) "
            + "of stream \(record.stream); a later version of the service may"
    }
}
