public import Contracts
public import CreditDomain
import EventSourcing
public import GRDB
public import ServiceRuntime

extension CreditView: FetchableRecord, PersistableRecord {
    public static var databaseTableName: String { "credit" }
}

extension CreditProjection.Model: StoredModel {
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

    public mutating func load(_ db: Database) throws {}

    public mutating func takeWrites() -> [ProjectedStore.Write] { credits.takeWrites() }
}
