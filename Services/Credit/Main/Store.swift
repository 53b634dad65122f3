public import Contracts
public import CreditDomain
import EventSourcing
public import GRDB
public import ServiceRuntime

extension CreditView: FetchableRecord, PersistableRecord {
    /// The name of the table of credits.
    public static var databaseTableName: String { "credit" }
}

extension CreditProjection.Model: StoredModel {
    /// Creates the table of credits in an empty database.
    public static func createTables(_ db: Database) throws {
        try db.create(table: "credit") { table in
            table.primaryKey("position", .integer)
            table.column("time", .text).notNull()
            table.column("account", .text).notNull().indexed()
            table.column("amount", .integer).notNull()
            table.column("repaid", .integer).notNull()
            table.column("currency", .text).notNull()
            table.column("reference", .text).notNull()
        }
    }

    /// Does nothing, because queries read the credits from disk.
    public mutating func load(_ db: Database) throws {}

    /// Returns the database writes for all changes since the last call.
    public mutating func takeWrites() -> [ProjectedStore.Write] { credits.takeWrites() }
}
