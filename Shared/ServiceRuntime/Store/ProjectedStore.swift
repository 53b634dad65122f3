public import EventSourcing
import Foundation
public import GRDB

/// A service's own database: rows, and in the same transaction how far in the log they go.
public struct ProjectedStore: Sendable {
    /// The position up to which every event had been worked into the rows when this was opened.
    public let checkpoint: UInt64
    public let path: String
    private let pool: DatabasePool
    private let failure = AsyncStream<any Error>.makeStream(bufferingPolicy: .bufferingNewest(1))

    /// A write that is done when its transaction is: rows that changed in memory.
    public typealias Write = @Sendable (Database) throws -> Void
    public typealias Reading<Value> = @Sendable (Database) throws -> Value

    /// Opens the database at `path`, made anew if there is none.
    ///
    /// - Parameters:
    ///   - version: the shape of its tables; a database of another version gives nil.
    ///   - log: the log it follows; a database that follows another is refused.
    ///   - isDurable: whether a commit is on disk when it returns. If not, what a loss of power
    ///     takes from it is worked in from the log again.
    ///   - migrations: by the version that it has, what brings a database to the next one.
    ///   - create: makes the tables.
    public static func open(
        _ path: String, version: Int, log: EventID, isDurable: Bool = false,
        migrations: [Int: Write] = [:], create: Write
    ) throws -> ProjectedStore? {
        var configuration = Configuration()
        configuration.busyMode = .timeout(10)
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA synchronous = \(isDurable ? "FULL" : "NORMAL")")
        }
        return try StoreFailure.naming(path) { () throws -> ProjectedStore? in
            let pool = try DatabasePool(path: path, configuration: configuration)
            let checkpoint = try pool.write { db -> UInt64? in
                guard try db.tableExists("daybook") else {
                    try make(db, path: path, version: version, log: log, create: create)
                    return 0
                }
                return try existing(
                    db, path: path, version: version, log: log, migrations: migrations)
            }
            guard let checkpoint else {
                try pool.close()
                return nil
            }
            return ProjectedStore(checkpoint: checkpoint, path: path, pool: pool)
        }
    }

    private static func make(
        _ db: Database, path: String, version: Int, log: EventID, create: Write
    ) throws {
        guard try String.fetchOne(db, sql: "SELECT name FROM sqlite_master") == nil else {
            throw DaybookError(
                .damaged, "\(path) is a database, but not one of this program; remove it, and "
                    + "it is built again")
        }
        try db.execute(
            sql: "CREATE TABLE daybook (version INTEGER, log TEXT, checkpoint INTEGER)")
        try db.execute(
            sql: "INSERT INTO daybook VALUES (?, ?, 0)", arguments: [version, log.description])
        try create(db)
    }

    private static func existing(
        _ db: Database, path: String, version: Int, log: EventID, migrations: [Int: Write]
    ) throws -> UInt64? {
        // Decoded with a check: a value of the wrong type must not crash the process.
        guard let row = try Row.fetchOne(db, sql: "SELECT version, log, checkpoint FROM daybook"),
            let followed = String.fromDatabaseValue(row["log"]),
            var found = Int.fromDatabaseValue(row["version"]),
            let checkpoint = UInt64.fromDatabaseValue(row["checkpoint"])
        else { throw DaybookError(.damaged, "\(path) has no checkpoint; remove it to rebuild it") }
        guard followed == log.description else {
            throw DaybookError(
                .damaged, "\(path) follows log \(followed), but the event store has "
                    + "log \(log); remove it to follow this one")
        }
        while found < version, let migrate = migrations[found] {
            try migrate(db)
            found += 1
            try db.execute(sql: "UPDATE daybook SET version = ?", arguments: [found])
        }
        return found == version ? checkpoint : nil
    }

    /// Makes `writes` and moves the checkpoint, all or nothing.
    ///
    /// - Throws: `storage` if the disk is full, or fails; `damaged` if the file
    ///   turns out to be damaged. After either the process should end.
    public func commit(_ writes: [Write], checkpoint: UInt64) async throws {
        try await using {
            try await pool.write { db in
                for write in writes { try write(db) }
                try db.execute(
                    sql: "UPDATE daybook SET checkpoint = ?",
                    arguments: [Int64(clamping: checkpoint)])
            }
        }
    }

    /// Reads rows as they were when the last commit was made.
    ///
    /// - Throws: as `commit` does.
    public func read<Value: Sendable>(
        _ body: @escaping Reading<Value>
    ) async throws -> Value {
        try await using { try await pool.read(body) }
    }

    /// Failures of reads and commits after which the file can't be used. The owner of the store
    /// waits for them, and ends the process even if the failed call hides its error.
    public var failures: AsyncStream<any Error> { failure.stream }

    private func using<Value>(_ transaction: () async throws -> Value) async throws -> Value {
        do {
            return try await StoreFailure.naming(path) { try await Self.cancellable(transaction) }
        } catch {
            if StoreFailure.endsProcess(error) { failure.continuation.yield(error) }
            throw error
        }
    }

    /// A transaction that its task's cancellation has interrupted ends as cancelled, not as failed.
    private static func cancellable<Value>(
        _ transaction: () async throws -> Value
    ) async throws -> Value {
        do {
            return try await transaction()
        } catch let error as DatabaseError
            where Task.isCancelled && [.SQLITE_INTERRUPT, .SQLITE_ABORT].contains(error.resultCode)
        {
            throw CancellationError()
        }
    }

    /// Puts everything into the one file and closes it.
    public func close() throws {
        try StoreFailure.naming(path) {
            do {
                try truncate()
            } catch let error as DatabaseError where error.resultCode == .SQLITE_INTERRUPT {
                // The interrupt of a cancelled transaction can arrive after that transaction.
                try truncate()
            }
            try pool.close()
        }
    }

    private func truncate() throws {
        try pool.writeWithoutTransaction { db in _ = try db.checkpoint(.truncate) }
    }

    /// Removes the database at `path`, if there is one.
    public static func remove(_ path: String) throws {
        try remove(path, ["", "-wal", "-shm", "-journal"])
    }

    private static func remove(_ path: String, _ suffixes: [String]) throws {
        for file in suffixes.map({ path + $0 }) {
            guard unsafe unlink(file) == 0 || errno == ENOENT else {
                let reason = unsafe String(cString: strerror(errno))
                throw DaybookError(.storage, "\(file) can't be removed: \(reason)")
            }
        }
    }

    /// Makes the closed database at `path` one that can be read where nothing can be written.
    static func seal(_ path: String) throws {
        try StoreFailure.naming(path) {
            let database = try DatabaseQueue(path: path)
            try database.writeWithoutTransaction { db in
                try db.execute(sql: "PRAGMA journal_mode = DELETE")
            }
            try database.close()
        }
    }

    /// Puts the closed database at `source` in the place of the closed one at `path`, if there is
    /// one: whoever opens `path` finds the one or the other.
    static func replace(_ path: String, with source: String) throws {
        // What is closed has everything in its one file.
        for database in [path, source] { try remove(database, ["-wal", "-shm"]) }
        guard unsafe rename(source, path) == 0 else {
            let reason = unsafe String(cString: strerror(errno))
            throw DaybookError(.storage, "\(source) can't be moved to \(path): \(reason)")
        }
    }
}
