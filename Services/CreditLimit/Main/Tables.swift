public import Contracts
public import CreditLimitDomain
public import GRDB
public import ServiceRuntime

extension CreditLimitView: FetchableRecord, TableRecord {
    /// The name of the table of credit limits.
    public static var databaseTableName: String { "creditLimit" }
}

extension CreditLimitProjection.Model: StoredModel {
    /// The table of credit limits.
    public static let tables: [StoredTable<Self>] = [
        .init(\.limits) { table in
            table.required(.text, "currency")
            table.required(.integer, "limit", "reserved", "used", "available", "position")
            table.required(.text, "updatedAt")
        }
    ]
}
