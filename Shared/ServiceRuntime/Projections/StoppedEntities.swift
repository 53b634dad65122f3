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
    private var unnamed = Journal<UnnamedEvent>()
    /// How many events can't be read.
    private(set) var eventCount = 0
    /// The first of these events, as many as a status names.
    private(set) var firstEvents: [UnreadableEvent] = []
    /// How many of these events name no entity, so that any answer may lack them.
    private(set) var unnamedEvents = 0
    /// The position of the first event that names no entity, or nil.
    private(set) var firstUnnamed: UInt64?

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
        if ids.isEmpty {
            unnamedEvents += 1
            firstUnnamed = firstUnnamed ?? event.position
            unnamed.append(UnnamedEvent(position: event.position))
        }
        for id in ids where !passOver([id], tags: tags) {
            var entity = StoppedEntity(id: id, event: event, tags: [])
            _ = entity.add(tags)
            entities[id] = entity
        }
    }

    /// Returns whether one of the entities has stopped, so that their event must not be applied.
    ///
    /// Then the others stop, too, because they lack this event.
    mutating func passOver(_ ids: [String], tags: @autoclosure () -> [String]) -> Bool {
        guard let stopped = ids.compactMap({ entities[$0] }).first else { return false }
        for id in ids {
            let known = entities[id]
            var entity = known ?? StoppedEntity(id: id, event: stopped.event, tags: [])
            if entity.add(tags()) || known == nil { entities[id] = entity }
        }
        return true
    }
}

extension StoppedEntity: FetchableRecord, TableRecord {
    /// The name of the table of stopped entities.
    public static var databaseTableName: String { "daybook_stopped" }
}

extension UnreadableEvent: FetchableRecord, TableRecord {
    /// The name of the table of events that the projection can't read.
    public static var databaseTableName: String { "daybook_unreadable" }
}

/// The position of an event that can't be read and names no entity.
private struct UnnamedEvent: StoredRow {
    static let databaseTableName = "daybook_unnamed"
    var position: UInt64
}

extension StoppedEntities: StoredModel {
    /// The tables of stopped entities and of events that the projection can't read.
    public static let tables: [StoredTable<Self>] = [
        .init(\.entities) { $0.required(.jsonText, "event", "tags") },
        .init(\.events) { $0.required(.text, "id", "type", "stream", "reason") },
        .init(\.unnamed) { _ in },
    ]

    /// Returns the entities and events in the database.
    static func stored(in db: Database) throws -> Self {
        var stopped = try load(db)
        stopped.eventCount = try UnreadableEvent.fetchCount(db)
        stopped.firstEvents = Array(try firstEvents(in: db).prefix(Degradation.namedEvents))
        stopped.unnamedEvents = try UnnamedEvent.fetchCount(db)
        stopped.firstUnnamed = try UnnamedEvent.order(Column("position")).fetchOne(db)?.position
        return stopped
    }

    /// Returns the first 1,000 events that can't be read.
    static func firstEvents(in db: Database) throws -> [UnreadableEvent] {
        try UnreadableEvent.order(Column("position")).limit(1_000).fetchAll(db)
    }
}
