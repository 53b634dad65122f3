public import EventSourcing
import GRDB

/// A projection's read model, with the entities that have stopped in it.
///
/// One event that can't be read harms only the entities that it may belong to. The model shows all
/// others.
@dynamicMemberLookup
public struct ProjectedModel<P: Projection>: Codable, Sendable where P.Model: StoredModel {
    /// The tables of the projection.
    public internal(set) var tables = P.Model()
    /// The stopped entities. The tables may have rows of them, which are out of date.
    public internal(set) var stopped = StoppedEntities()

    /// Creates a model without events.
    public init() {}

    /// A table of the projection.
    public subscript<Member>(dynamicMember member: KeyPath<P.Model, Member>) -> Member {
        tables[keyPath: member]
    }

    /// Applies the events in the records.
    mutating func fold(_ records: some Sequence<RecordedEvent>) {
        for record in records { fold(record) }
    }

    private mutating func fold(_ record: RecordedEvent) {
        do throws(UnreadableEvent) {
            for event in try Recorded<P.Event>.events(in: record, by: P.self) {
                fold(event, tags: record.tags)
            }
        } catch {
            let tags = record.tags
            stopped.stop(P.entities(in: error.stream, tags: tags), at: error, tags: tags)
        }
    }

    /// Applies the event, unless one of its entities has stopped.
    mutating func fold(_ event: Recorded<P.Event>, tags: @autoclosure () -> [String]) {
        guard
            stopped.count == 0
                || !stopped.passOver(P.entities(in: event.stream, tags: tags()), tags: tags())
        else { return }
        P.project(event, onto: &tables)
    }
}

// MARK: The store of a model

extension ProjectedModel {
    /// The version of the store: the runtime's part of the tables counts thousands.
    static var storeVersion: Int { 1000 + P.version }

    /// Creates the tables in an empty database.
    static func createTables(_ db: Database) throws {
        try P.Model.createTables(db)
        try StoppedEntities.createTables(db)
    }

    /// Returns the model in the database.
    static func load(_ db: Database) throws -> Self {
        var model = Self()
        model.tables = try P.Model.load(db)
        model.stopped = try StoppedEntities.stored(in: db)
        return model
    }

    /// Returns the writes for all changes since the last call.
    mutating func takeWrites() -> [ProjectedStore.Write] {
        tables.takeWrites() + stopped.takeWrites()
    }
}
