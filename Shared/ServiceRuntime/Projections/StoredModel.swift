public import EventSourcing
public import GRDB

/// A read model that is also stored in database tables.
///
/// Its encoding contains only the part that is kept in memory.
public protocol StoredModel: Codable, Sendable {
    /// Creates an empty model.
    init()
    /// Creates the tables in an empty database.
    static func createTables(_ db: Database) throws
    /// Reads the tables that are kept in memory.
    mutating func load(_ db: Database) throws
    /// Returns the writes for all changes since the last call.
    mutating func takeWrites() -> [ProjectedStore.Write]
}

extension ProjectedStore {
    /// Returns the model that is on disk.
    func load<Model: StoredModel>(_ model: Model.Type) async throws -> Model {
        try await read { db in
            var model = Model()
            try model.load(db)
            return model
        }
    }
}

/// A row of a projection that is also a row of a database table.
public typealias StoredRow = Codable & FetchableRecord & PersistableRecord & Sendable

extension EventSourcing.Table where Row: StoredRow, Row.ID == String {
    /// Reads all rows of the table from disk.
    public mutating func load(_ db: Database) throws {
        load(try Row.fetchAll(db))
    }

    /// Returns the writes for the rows changed or removed since the last call.
    public mutating func takeWrites() -> [ProjectedStore.Write] {
        let (upserts, deletes) = takeChanges()
        var writes: [ProjectedStore.Write] = []
        if !upserts.isEmpty {
            writes.append { db in for row in upserts { try row.upsert(db) } }
        }
        if !deletes.isEmpty {
            writes.append { db in _ = try Row.deleteAll(db, keys: deletes) }
        }
        return writes
    }
}

extension Journal where Row: StoredRow {
    /// Returns the writes for the rows added since the last call.
    public mutating func takeWrites() -> [ProjectedStore.Write] {
        let added = takeChanges()
        return added.isEmpty ? [] : [{ db in for row in added { try row.insert(db) } }]
    }
}
