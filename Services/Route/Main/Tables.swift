public import Contracts
import EventSourcing
public import GRDB
public import RouteDomain
public import ServiceRuntime

extension RouteView: FetchableRecord, PersistableRecord {
    /// The name of the table of routes.
    public static var databaseTableName: String { "route" }
}

extension RouteProjection.Model: StoredModel {
    /// Creates the table of routes in an empty database.
    public static func createTables(_ db: Database) throws {
        try db.create(table: "route") { table in
            table.primaryKey("id", .text)
            table.column("customer", .text).notNull()
            table.column("status", .text).notNull()
            table.column("legs", .jsonText).notNull()
            for name in ["origin", "destination", "currency", "arrivesAt", "reason", "detail"] {
                table.column(name, .text)
            }
            for amount in ["shipping", "total"] { table.column(amount, .integer) }
            table.column("position", .integer).notNull()
            table.column("updatedAt", .text).notNull()
        }
    }

    /// Reads all rows into memory.
    public mutating func load(_ db: Database) throws { try routes.load(db) }

    /// Returns the database writes for all changes since the last call.
    public mutating func takeWrites() -> [ProjectedStore.Write] { routes.takeWrites() }
}
