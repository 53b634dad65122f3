public import EventSourcing
public import GRDB
public import ServiceRuntime

/// A row about an account. Each row stands for an event.
public protocol AccountRow: Codable, FetchableRecord, TableRecord, Sendable {}

extension AccountRow {
    /// Returns the rows of an account, in the order of the log.
    public static func rows(_ db: Database, of account: String) throws -> [Self] {
        try filter(Column("account") == account).order(Column("position")).fetchAll(db)
    }
}

extension StoredTable {
    /// Returns the table of movements of money.
    ///
    /// - Parameter amounts: the names of the columns with amounts.
    public static func movements<Movement: MovementView>(
        _ rows: any WritableKeyPath<Model, Journal<Movement>> & Sendable, amounts: [String]
    ) -> Self {
        StoredTable(rows) { table in
            table.required(.text, "time")
            table.column("account", .text).notNull().indexed()
            for amount in amounts { table.required(.integer, amount) }
            table.required(.text, "currency", "reference")
        }
    }
}
