public import Contracts
import EventSourcing
public import GRDB
public import OrdersDomain
public import ServiceRuntime

extension OrderView: FetchableRecord, PersistableRecord {
    /// The name of the table of orders.
    public static var databaseTableName: String { "order" }
}

extension CustomerOrdersView: FetchableRecord, PersistableRecord {
    /// The name of the table of customers' orders.
    public static var databaseTableName: String { "customer" }
}

extension OrdersProjection.Model: StoredModel {
    /// Creates the tables of orders and of customers in an empty database.
    public static func createTables(_ db: Database) throws {
        try db.create(table: "order") { table in
            table.primaryKey("id", .text)
            table.column("customer", .text).notNull().indexed()
            table.column("status", .text).notNull()
            table.column("currency", .text).notNull()
            table.column("items", .jsonText).notNull()
            table.column("itemsTotal", .integer).notNull()
            for amount in ["shipping", "total", "fromBalance", "fromCredit"] {
                table.column(amount, .integer)
            }
            for name in ["origin", "destination", "placedAt", "deadline"] {
                table.column(name, .text)
            }
            for name in ["arrivesAt", "endedAt", "reason", "detail"] { table.column(name, .text) }
            table.column("position", .integer).notNull()
            table.column("updatedAt", .text).notNull()
        }
        try db.create(table: "customer") { table in
            table.primaryKey("id", .text)
            table.column("orders", .jsonText).notNull()
            table.column("position", .integer).notNull()
            table.column("updatedAt", .text).notNull()
        }
    }

    /// Reads all rows into memory.
    public mutating func load(_ db: Database) throws {
        try orders.load(db)
        try customers.load(db)
    }

    /// Returns the database writes for all changes since the last call.
    public mutating func takeWrites() -> [ProjectedStore.Write] {
        orders.takeWrites() + customers.takeWrites()
    }
}
