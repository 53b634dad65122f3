public import EventSourcing
public import GRDB

/// A read model that is also stored in database tables.
///
/// Its encoding contains only the part that is kept in memory.
public protocol StoredModel: Codable, Sendable {
    /// Creates an empty model.
    init()
    /// The tables of the model.
    static var tables: [StoredTable<Self>] { get }
}

extension StoredModel {
    /// Creates the tables in an empty database.
    static func createTables(_ db: Database) throws {
        for table in tables { try table.create(db) }
    }

    /// Returns the model in the database.
    static func load(_ db: Database) throws -> Self {
        var model = Self()
        for table in tables { try table.load(&model, db) }
        return model
    }

    /// Returns the writes for all changes since the last call.
    mutating func takeWrites() -> [ProjectedStore.Write] {
        Self.tables.flatMap { $0.takeWrites(&self) }
    }
}

/// A row of a projection that is also a row of a database table.
public typealias StoredRow = Codable & FetchableRecord & TableRecord & Sendable

/// A table of a read model in the database.
public struct StoredTable<Model>: Sendable {
    /// The table's name in the database.
    let name: String
    let create: @Sendable (Database) throws -> Void
    let load: @Sendable (inout Model, Database) throws -> Void
    let takeWrites: @Sendable (inout Model) -> [ProjectedStore.Write]

    /// Creates a table whose rows are all kept in memory. Its primary key is the column `id`.
    ///
    /// - Parameter columns: adds the other columns.
    public init<Row: StoredRow>(
        _ rows: any WritableKeyPath<Model, EventSourcing.Table<Row>> & Sendable,
        columns: @escaping @Sendable (TableDefinition) -> Void
    ) where Row.ID == String {
        name = Row.databaseTableName
        create = { db in
            try db.create(table: Row.databaseTableName) { table in
                table.primaryKey("id", .text)
                columns(table)
            }
        }
        load = { model, db in model[keyPath: rows].load(try Row.fetchAll(db)) }
        takeWrites = { model in
            let (upserts, deletes) = model[keyPath: rows].takeChanges()
            var writes: [ProjectedStore.Write] = []
            if !upserts.isEmpty {
                writes.append { db in try db.upsert(upserts) }
            }
            if !deletes.isEmpty {
                writes.append { db in _ = try Row.deleteAll(db, keys: deletes) }
            }
            return writes
        }
    }

    /// Creates a table whose rows queries read from disk. Its primary key is the column `position`.
    ///
    /// - Parameter columns: adds the other columns.
    public init<Row: StoredRow>(
        _ rows: any WritableKeyPath<Model, Journal<Row>> & Sendable,
        columns: @escaping @Sendable (TableDefinition) -> Void
    ) {
        name = Row.databaseTableName
        create = { db in
            try db.create(table: Row.databaseTableName) { table in
                table.primaryKey("position", .integer)
                columns(table)
            }
        }
        load = { _, _ in }
        takeWrites = { model in
            let added = model[keyPath: rows].takeChanges()
            return added.isEmpty ? [] : [{ db in try db.insert(added) }]
        }
    }
}

extension TableDefinition {
    /// Adds columns that have a value in every row.
    public func required(_ type: Database.ColumnType, _ names: String...) {
        for name in names { column(name, type).notNull() }
    }

    /// Adds columns that may be null.
    public func optional(_ type: Database.ColumnType, _ names: String...) {
        for name in names { column(name, type) }
    }
}
