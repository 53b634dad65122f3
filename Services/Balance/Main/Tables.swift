public import AccountMain
public import BalanceDomain
public import Contracts
public import GRDB
public import ServiceRuntime

extension AccountView: FetchableRecord, TableRecord {
    /// The name of the table of accounts.
    public static var databaseTableName: String { "account" }
}

extension StatementEntry: AccountRow {
    /// The name of the table of statement lines.
    public static var databaseTableName: String { "statement" }
}

extension BalanceProjection.Model: StoredModel {
    /// The tables of accounts and of statement lines.
    public static let tables: [StoredTable<Self>] = [
        .init(\.accounts) { table in
            table.required(.text, "currency")
            table.required(.integer, "funds", "held", "owed", "balance", "free")
            table.required(.text, "openedAt")
            table.required(.integer, "position")
            table.required(.text, "updatedAt")
        },
        .init(\.statement) { table in
            table.required(.text, "time")
            table.column("account", .text).notNull().indexed()
            table.required(.text, "kind")
            table.required(.integer, "change", "heldChange", "balanceAfter")
            table.required(.text, "currency")
            table.optional(.text, "order", "reference")
        },
    ]
}
