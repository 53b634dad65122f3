import EventSourcing
public import GRDB
public import LoyaltyDomain
public import ServiceRuntime

extension PointsView: FetchableRecord, PersistableRecord {
    public static var databaseTableName: String { "points" }
}

extension PointsProjection.Model: StoredModel {
    public static func createTables(_ db: Database) throws {
        try db.create(table: "points") { table in
            table.primaryKey("id", .text)
            table.column("points", .integer).notNull()
            table.column("earned", .integer).notNull()
        }
    }

    public mutating func load(_ db: Database) throws { try customers.load(db) }

    public mutating func takeWrites() -> [ProjectedStore.Write] { customers.takeWrites() }
}
