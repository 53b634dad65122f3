public import EventSourcing
public import GRDB
public import ServiceRuntime

/// A row about an account. Each row stands for an event.
public protocol AccountRow: Codable, FetchableRecord, PersistableRecord, Sendable {}

extension AccountRow {
    /// Returns the rows of an account, in the order of the log.
    public static func rows(_ db: Database, of account: String) throws -> [Self] {
        try filter(Column("account") == account).order(Column("position")).fetchAll(db)
    }
}

/// A read model with one table: movements of money, which queries read from disk.
public protocol MovementModel: StoredModel {
    /// The row of a movement.
    associatedtype Movement: MovementView

    /// The movements, in the order of the log.
    var movements: Journal<Movement> { get set }
    /// The names of the columns with amounts.
    static var amounts: [String] { get }
}

extension MovementModel {
    /// Creates the table of movements in an empty database.
    public static func createTables(_ db: Database) throws {
        try db.create(table: Movement.databaseTableName) { table in
            table.primaryKey("position", .integer)
            table.column("time", .text).notNull()
            table.column("account", .text).notNull().indexed()
            for amount in amounts { table.column(amount, .integer).notNull() }
            table.column("currency", .text).notNull()
            table.column("reference", .text).notNull()
        }
    }

    /// Does nothing, because queries read the movements from disk.
    public mutating func load(_ db: Database) throws {}

    /// Returns the database writes for all changes since the last call.
    public mutating func takeWrites() -> [ProjectedStore.Write] { movements.takeWrites() }
}
