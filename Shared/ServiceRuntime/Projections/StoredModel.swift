public import EventSourcing
public import GRDB

/// A read model that can be put on disk: what a service says of the tables of its model.
///
/// Encoded, it is what is kept in memory.
public protocol StoredModel: Codable, Sendable {
    init()
    /// Makes the tables of an empty database.
    static func createTables(_ db: Database) throws
    /// Reads the tables that are kept in memory.
    mutating func load(_ db: Database) throws
    /// Writes for what has changed since the last call.
    mutating func takeWrites() -> [ProjectedStore.Write]
}

extension ProjectedStore {
    /// The model that is on disk.
    func load<Model: StoredModel>(_ model: Model.Type) async throws -> Model {
        try await read { db in
            var model = Model()
            try model.load(db)
            return model
        }
    }
}

/// A row of a projection that is a row of a database table too.
public typealias StoredRow = Codable & FetchableRecord & PersistableRecord & Sendable

extension EventSourcing.Table where Row: StoredRow, Row.ID == String {
    /// Reads all rows of the table from disk.
    public mutating func load(_ db: Database) throws {
        load(try Row.fetchAll(db))
    }

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
    public mutating func takeWrites() -> [ProjectedStore.Write] {
        let added = takeChanges()
        return added.isEmpty ? [] : [{ db in for row in added { try row.insert(db) } }]
    }
}
