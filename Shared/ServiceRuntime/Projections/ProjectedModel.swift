public import EventSourcing
import GRDB
import WireProtocol

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
    /// The amended events that the projection reads.
    var amended = AmendedEvents()

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
        if record.isAmended || record.isSkipped { noteAmendment(of: record) }
        do throws(UnreadableEvent) {
            for event in try Recorded<P.Event>.events(in: record, by: P.self) {
                fold(event, tags: record.tags)
            }
        } catch {
            let tags = record.tags
            stopped.stop(P.entities(in: error.stream, tags: tags), at: error, tags: tags)
        }
    }

    private mutating func noteAmendment(of record: RecordedEvent) {
        // Events that the projection has no use for change no answer.
        let isKnown = P.Event.isKnown(record.type, of: record.category)
        guard !isKnown || P.Event.query.matches(record) else { return }
        amended.add(record.position, of: P.entities(in: record.stream, tags: record.tags))
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

// MARK: Marks

extension ProjectedModel {
    /// Returns what the reader of an answer should know, or nil if there is nothing.
    ///
    /// - Parameters:
    ///   - entities: returns the ids of the entities that the query names; none for all entities.
    ///   - position: the position up to which the answer has events.
    func marks(
        of entities: () throws -> [String], through position: UInt64 = .max
    ) rethrows -> AnswerMarks? {
        guard stopped.unnamedEvents > 0 || amended.count > 0 else { return nil }
        return AnswerMarks(
            degraded: position < stopped.firstUnnamed ?? 0 ? 0 : stopped.unnamedEvents,
            amended: amended.count(of: try entities(), through: position))
    }
}

// MARK: The store of a model

extension ProjectedModel {
    /// The version of the store: the runtime's part of the tables counts thousands.
    static var storeVersion: Int { 2000 + P.version }

    /// Creates the tables in an empty database.
    static func createTables(_ db: Database) throws {
        try P.Model.createTables(db)
        try StoppedEntities.createTables(db)
        try AmendedEvents.createTables(db)
    }

    /// Returns the model in the database.
    static func load(_ db: Database) throws -> Self {
        var model = try loadWithoutTables(db)
        model.tables = try P.Model.load(db)
        return model
    }

    /// Returns the model in the database without the projection's tables, for a query that reads
    /// them from disk.
    static func loadWithoutTables(_ db: Database) throws -> Self {
        var model = Self()
        model.stopped = try StoppedEntities.stored(in: db)
        model.amended = try AmendedEvents.load(db)
        return model
    }

    /// Returns the writes for all changes since the last call.
    mutating func takeWrites() -> [ProjectedStore.Write] {
        tables.takeWrites() + stopped.takeWrites() + amended.takeWrites()
    }
}
