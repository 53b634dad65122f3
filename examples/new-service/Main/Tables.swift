import EventSourcing
public import GRDB
public import LoyaltyDomain
public import ServiceRuntime

extension PointsView: FetchableRecord, PersistableRecord {
    /// The name of the table of points.
    public static var databaseTableName: String { "points" }
}

extension PointsProjection.Model: StoredModel {
    /// Creates the table of points in an empty database.
    public static func createTables(_ db: Database) throws {
        try db.create(table: "points") { table in
            table.primaryKey("id", .text)
            table.column("points", .integer).notNull()
            table.column("earned", .integer).notNull()
        }
    }

    /// Reads all rows into memory.
    public mutating func load(_ db: Database) throws { try customers.load(db) }

    /// Returns the database writes for all changes since the last call.
    public mutating func takeWrites() -> [ProjectedStore.Write] { customers.takeWrites() }
}
