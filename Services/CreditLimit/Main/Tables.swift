public import Contracts
public import CreditLimitDomain
import EventSourcing
public import GRDB
public import ServiceRuntime

extension CreditLimitView: FetchableRecord, PersistableRecord {
    /// The name of the table of credit limits.
    public static var databaseTableName: String { "creditLimit" }
}

extension CreditLimitProjection.Model: StoredModel {
    /// Creates the table of credit limits in an empty database.
    public static func createTables(_ db: Database) throws {
        try db.create(table: "creditLimit") { table in
            table.primaryKey("id", .text)
            table.column("currency", .text).notNull()
            for amount in ["limit", "reserved", "used", "available"] {
                table.column(amount, .integer).notNull()
            }
            table.column("position", .integer).notNull()
            table.column("updatedAt", .text).notNull()
        }
    }

    /// Reads all rows into memory.
    public mutating func load(_ db: Database) throws { try limits.load(db) }

    /// Returns the database writes for all changes since the last call.
    public mutating func takeWrites() -> [ProjectedStore.Write] { limits.takeWrites() }
}
