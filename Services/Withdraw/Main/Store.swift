public import Contracts
import EventSourcing
public import GRDB
public import ServiceRuntime
public import WithdrawDomain

extension WithdrawalView: FetchableRecord, PersistableRecord {
    public static var databaseTableName: String { "withdraw" }
}

extension WithdrawProjection.Model: StoredModel {
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

    public mutating func load(_ db: Database) throws {}

    public mutating func takeWrites() -> [ProjectedStore.Write] { withdrawals.takeWrites() }
}
