public import EventSourcing
import Files
import Foundation
public import GRDB

/// A service's own SQLite database: rows, and the checkpoint in the log that they reflect.
///
/// One transaction writes both, so a crash can't separate them.
public struct ProjectedStore: Sendable {
    /// The position up to which the rows contained every event when the store was opened.
    public let checkpoint: UInt64
    /// The path of the database file.
    public let path: String
    private let pool: DatabasePool
    private let failure = AsyncStream<any Error>.makeStream(bufferingPolicy: .bufferingNewest(1))

    /// A change to the rows, as part of a transaction.
    public typealias Write = @Sendable (Database) throws -> Void
    /// A read of the rows, as of one commit.
    public typealias Reading<Value> = @Sendable (Database) throws -> Value

    /// Opens the database at `path`, and creates it if it is missing.
    ///
    /// - Parameters:
    ///   - version: the version of the tables' layout.
    ///   - log: the log that the database must follow.
    ///   - isDurable: whether a commit is on disk when it returns. If not, a power loss may undo
    ///     the last commits, and the caller must read those events from the log again.
    ///   - migrations: by version, the change that brings a database to the next version.
    ///   - create: creates the tables.
    /// - Returns: nil if the database has another version and no migration leads to `version`.
    /// - Throws: `damaged` if the file is damaged, belongs to another program or follows another
    ///   log, `storage` if the disk fails, `unavailable` if another process has locked the file.
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
        try require(
            String.fetchOne(db, sql: "SELECT name FROM sqlite_master") == nil, .damaged,
            "\(path) is a database, but not one of this program; remove it "
                + "to rebuild it")
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
        try require(
            followed == log.description, .damaged,
            "\(path) follows log \(followed), but the event store has "
                + "log \(log); remove it to follow this one")
        while found < version, let migrate = migrations[found] {
            try migrate(db)
            found += 1
            try db.execute(sql: "UPDATE daybook SET version = ?", arguments: [found])
        }
        return found == version ? checkpoint : nil
    }

    /// Opens the database at `path`, or replaces it by an empty one if it is damaged, follows
    /// another log, has another version, or is not usable.
    ///
    /// - Throws: the same errors as ``open(_:version:log:isDurable:migrations:create:)``, except
    ///   `damaged`.
    static func openOrReplace(
        _ path: String, version: Int, log: EventID, create: Write,
        where isUsable: (ProjectedStore) -> Bool = { _ in true }
    ) throws -> ProjectedStore {
        do {
            if let store = try open(path, version: version, log: log, create: create) {
                if isUsable(store) { return store }
                try store.close()
            }
        } catch let error as DaybookError where error.kind == .damaged {
            // An empty database takes its place.
        }
        try remove(path)
        // The file was just removed, so this creates one of the current version.
        return try open(path, version: version, log: log, create: create)!
    }

    /// Executes `writes` and sets the checkpoint in one transaction.
    ///
    /// - Throws: `storage` if the disk is full or fails, `damaged` if the file is damaged. After
    ///   either, the process should end.
    public func commit(_ writes: [Write], checkpoint: UInt64) async throws {
        try await write { db in
            for write in writes { try write(db) }
            try db.cachedStatement(sql: "UPDATE daybook SET checkpoint = ?")
                .execute(arguments: [Int64(clamping: checkpoint)])
        }
    }

    /// Returns the result of `body`, which one transaction executes. Leaves the checkpoint as it
    /// is.
    ///
    /// - Throws: the same errors as ``commit(_:checkpoint:)``.
    func write<Value: Sendable>(_ body: @escaping Reading<Value>) async throws -> Value {
        try await using { try await pool.write(body) }
    }

    /// Reads the rows as of the last commit.
    ///
    /// - Throws: the same errors as ``commit(_:checkpoint:)``.
    public func read<Value: Sendable>(
        _ body: @escaping Reading<Value>
    ) async throws -> Value {
        try await using { try await pool.read(body) }
    }

    /// Returns the rows as of the last commit, which later commits do not change.
    func snapshot() throws -> DatabaseSnapshot {
        try StoreFailure.naming(path) { try pool.makeSnapshot() }
    }

    /// The failures of reads and commits after which the file can't be used.
    ///
    /// The owner of the store waits for them, and ends the process even if the failed call hides
    /// its error.
    public var failures: AsyncStream<any Error> { failure.stream }

    /// Runs a transaction, and names the file in its error.
    private func using<Value>(_ transaction: () async throws -> Value) async throws -> Value {
        do {
            return try await transaction()
        } catch let error as DatabaseError
            where Task.isCancelled && [.SQLITE_INTERRUPT, .SQLITE_ABORT].contains(error.resultCode)
        {
            // The task's cancellation interrupted it. SQLite's error looks like a failure of the
            // store.
            throw CancellationError()
        } catch {
            let error = StoreFailure.named(error, path)
            if StoreFailure.endsProcess(error) { failure.continuation.yield(error) }
            throw error
        }
    }

    /// Moves everything from the write-ahead log into the database file, and closes it.
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

    /// Removes the database at `path` with its journal files, if it exists.
    ///
    /// - Throws: `storage` if a file can't be removed.
    public static func remove(_ path: String) throws {
        try remove(path, ["", "-wal", "-shm", "-journal"])
    }

    private static func remove(_ path: String, _ suffixes: [String]) throws {
        for file in suffixes.map({ path + $0 }) {
            do throws(SystemError) {
                try Folder.remove(file)
            } catch  where !error.isNotFound {
                throw DaybookError(.storage, "\(file) can't be removed: \(error)")
            } catch {}
        }
    }

    /// Converts the closed database at `path` so that it can be read from a read-only folder.
    ///
    /// A database in WAL mode needs a writable folder even for reads.
    static func seal(_ path: String) throws {
        try StoreFailure.naming(path) {
            let database = try DatabaseQueue(path: path)
            try database.writeWithoutTransaction { db in
                try db.execute(sql: "PRAGMA journal_mode = DELETE")
            }
            try database.close()
        }
    }

    /// Replaces the database at `path`, if it exists, with the one at `source`. Both are closed.
    ///
    /// The rename is atomic: a crash leaves either the old or the new database at `path`.
    static func replace(_ path: String, with source: String) throws {
        // A closed database has everything in its main file. A leftover write-ahead log would be
        // applied to the wrong database.
        for database in [path, source] { try remove(database, ["-wal", "-shm"]) }
        do throws(SystemError) {
            try Folder.rename(source, to: path)
        } catch {
            throw DaybookError(.storage, "\(source) can't be moved to \(path): \(error)")
        }
    }
}
