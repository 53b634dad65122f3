public import EventSourcing
public import GRDB
import WireProtocol

/// An entity of a read model that has stopped at an event which the projection can't read.
///
/// The read model does not apply later events to the entity, because they may depend on that event.
public struct StoppedEntity: Codable, Hashable, Sendable, Identifiable {
    /// How many tags are kept. An entity may have any number of later events.
    private static let maximumTags = 16

    /// The id of the entity.
    public var id: String
    /// The event that can't be read.
    public var event: UnreadableEvent
    /// Tags of the entity's events since then, without duplicates. Lists of other entities find it
    /// by them.
    public var tags: [String]

    /// The error of a query for the entity.
    var error: DaybookError { DaybookError(.unreadable, "\(id) has stopped: \(event)") }

    /// Adds tags of a later event. Returns whether there were new ones.
    fileprivate mutating func add(_ tags: [String]) -> Bool {
        let before = self.tags.count
        for tag in tags where self.tags.count < Self.maximumTags && !self.tags.contains(tag) {
            self.tags.append(tag)
        }
        return self.tags.count > before
    }
}

/// The entities of a read model that have stopped, and the events that the projection can't read.
public struct StoppedEntities: Codable, Sendable {
    private var entities = EventSourcing.Table<StoppedEntity>()
    private var events = Journal<UnreadableEvent>()
    /// How many events can't be read.
    private(set) var eventCount = 0
    /// The first of these events, as many as a status names.
    private(set) var firstEvents: [UnreadableEvent] = []

    /// Creates an empty set.
    public init() {}

    /// The stopped entity with this id, or nil.
    public subscript(id: String) -> StoppedEntity? { entities[id] }

    /// The stopped entities in the order of their ids.
    public var sorted: [StoppedEntity] { entities.sorted }

    /// The number of stopped entities.
    public var count: Int { entities.count }

    /// What is missing from the read model, or nil if nothing is.
    var degradation: Degradation? {
        guard eventCount > 0 else { return nil }
        return Degradation(
            stoppedEntities: entities.count, unreadableEvents: eventCount, first: firstEvents)
    }

    /// Throws the error of the first of the entities that has stopped.
    func check(_ ids: [String]) throws(DaybookError) {
        guard count > 0 else { return }
        for id in ids { if let entity = entities[id] { throw entity.error } }
    }

    /// Stops entities at an event that can't be read. Entities that have stopped before keep their
    /// first such event.
    mutating func stop(_ ids: [String], at event: UnreadableEvent, tags: [String]) {
        eventCount += 1
        if firstEvents.count < Degradation.namedEvents { firstEvents.append(event) }
        events.append(event)
        for id in ids where !passOver([id], tags: tags) {
            var entity = StoppedEntity(id: id, event: event, tags: [])
            _ = entity.add(tags)
            entities[id] = entity
        }
    }

    /// Returns whether one of the entities has stopped, so that their event must not be applied.
    mutating func passOver(_ ids: [String], tags: @autoclosure () -> [String]) -> Bool {
        var isStopped = false
        for id in ids {
            guard var entity = entities[id] else { continue }
            isStopped = true
            if entity.add(tags()) { entities[id] = entity }
        }
        return isStopped
    }
}

extension StoppedEntity: FetchableRecord, PersistableRecord {
    /// The name of the table of stopped entities.
    public static var databaseTableName: String { "daybook_stopped" }
}

extension UnreadableEvent: FetchableRecord, PersistableRecord {
    /// The name of the table of events that the projection can't read.
    public static var databaseTableName: String { "daybook_unreadable" }
}

extension StoppedEntities: StoredModel {
    /// The tables of stopped entities and of events that the projection can't read.
    public static let tables: [StoredTable<Self>] = [
        .init(\.entities) { $0.required(.jsonText, "event", "tags") },
        .init(\.events) { $0.required(.text, "id", "type", "stream", "reason") },
    ]

    /// Returns the entities and events in the database.
    static func stored(in db: Database) throws -> Self {
        var stopped = try load(db)
        stopped.eventCount = try UnreadableEvent.fetchCount(db)
        stopped.firstEvents = Array(try firstEvents(in: db).prefix(Degradation.namedEvents))
        return stopped
    }

    /// Returns the first 1,000 events that can't be read.
    static func firstEvents(in db: Database) throws -> [UnreadableEvent] {
        try UnreadableEvent.order(Column("position")).limit(1_000).fetchAll(db)
    }
}
