public import AccountMain
public import BalanceDomain
public import Contracts
import EventSourcing
public import GRDB
public import ServiceRuntime

extension AccountView: FetchableRecord, PersistableRecord {
    /// The name of the table of accounts.
    public static var databaseTableName: String { "account" }
}

extension StatementEntry: AccountRow {
    /// The name of the table of statement lines.
    public static var databaseTableName: String { "statement" }
}

extension BalanceProjection.Model: StoredModel {
    /// Creates the tables of accounts and of statement lines in an empty database.
    public static func createTables(_ db: Database) throws {
        try db.create(table: "account") { table in
            table.primaryKey("id", .text)
            table.column("currency", .text).notNull()
            for amount in ["funds", "held", "owed", "balance", "free"] {
                table.column(amount, .integer).notNull()
            }
            table.column("openedAt", .text).notNull()
            table.column("position", .integer).notNull()
            table.column("updatedAt", .text).notNull()
        }
        try db.create(table: "statement") { table in
            table.primaryKey("position", .integer)
            table.column("time", .text).notNull()
            table.column("account", .text).notNull().indexed()
            table.column("kind", .text).notNull()
            for amount in ["change", "heldChange", "balanceAfter"] {
                table.column(amount, .integer).notNull()
            }
            table.column("currency", .text).notNull()
            table.column("order", .text)
            table.column("reference", .text)
        }
    }

    /// Reads the accounts into memory. Queries read the statement lines from disk.
    public mutating func load(_ db: Database) throws { try accounts.load(db) }

    /// Returns the database writes for all changes since the last call.
    public mutating func takeWrites() -> [ProjectedStore.Write] {
        accounts.takeWrites() + statement.takeWrites()
    }
}
