public import Contracts
import EventSourcing
public import GRDB
public import ServiceRuntime
public import WithdrawDomain

extension WithdrawalView: FetchableRecord, PersistableRecord {
    /// The name of the table of withdrawals.
    public static var databaseTableName: String { "withdraw" }
}

extension WithdrawProjection.Model: StoredModel {
    /// Creates the table of withdrawals in an empty database.
    public static func createTables(_ db: Database) throws {
        try db.create(table: "withdraw") { table in
            table.primaryKey("position", .integer)
            table.column("time", .text).notNull()
            table.column("account", .text).notNull().indexed()
            table.column("amount", .integer).notNull()
            table.column("currency", .text).notNull()
            table.column("reference", .text).notNull()
        }
    }

    /// Does nothing, because queries read the withdrawals from disk.
    public mutating func load(_ db: Database) throws {}

    /// Returns the database writes for all changes since the last call.
    public mutating func takeWrites() -> [ProjectedStore.Write] { withdrawals.takeWrites() }
}
