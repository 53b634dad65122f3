import EventSourcing
import Foundation
import GRDB
import JSON

/// A saga as its participant remembers it, with the ids that link its next event to it.
struct Saga<State: Codable & Sendable>: Sendable {
    var state: State
    var correlationID: EventID
    /// The id of the last event in the state.
    var lastEventID: EventID
    /// The position of that event. The state contains the saga's events up to it.
    var lastPosition: UInt64
    /// The commit time of that event.
    var lastTime: Timestamp
}

/// The participant's memory on disk, a cache of the log: see `ParticipantRunner`.
///
/// It needs no checkpoint of events, because the participant's queue holds the events that are not
/// handled yet. The queue does not redeliver an acknowledged event, so its effect must be on disk
/// first. Its checkpoint is the position of the last amendment that the sagas reflect.
struct SagaStore<State: Codable & Sendable>: Sendable {
    /// A saga by its id, with its deadline if it has one.
    typealias Entry = (id: String, saga: Saga<State>, deadline: Timestamp?)

    static var version: Int { 3 }

    private let store: ProjectedStore

    var path: String { store.path }

    /// Opens the store at `path`, and migrates a store of an earlier version.
    ///
    /// - Throws: `damaged` for a store of a later version. It may be removed, because the log
    ///   contains everything in it.
    init(path: String, log: EventID) throws {
        let opened = try ProjectedStore.open(
            path, version: Self.version, log: log, isDurable: true,
            migrations: [
                // Version 1 had seen every event up to its checkpoint.
                1: { db in
                    try db.execute(
                        sql: """
                            ALTER TABLE saga ADD COLUMN lastPosition INTEGER NOT NULL DEFAULT 0;
                            UPDATE saga SET lastPosition = (SELECT checkpoint FROM daybook);
                            """)
                },
                // Version 2 does not record where its memory began.
                2: { db in
                    try db.execute(
                        sql: """
                            ALTER TABLE saga ADD COLUMN lastTime INTEGER NOT NULL DEFAULT 0;
                            UPDATE saga SET lastTime = 1000000 * unixepoch();
                            """)
                    try Self.createMemory(db)
                },
            ]
        ) { db in
            try db.create(table: "saga", options: .withoutRowID) { table in
                table.primaryKey("id", .text)
                table.required(.blob, "state")
                table.required(.text, "correlation", "lastEvent")
                table.optional(.integer, "deadline")
                table.required(.integer, "lastPosition", "lastTime")
            }
            try Self.createMemory(db)
            try db.create(
                index: "sagaDeadline", on: "saga", columns: ["deadline"],
                condition: Column("deadline") != nil)
        }
        store = try opened.orThrow(
            .damaged,
            "\(path) was written by a later version; remove it to rebuild it from the log")
    }

    private static func createMemory(_ db: Database) throws {
        try db.create(
            index: "sagaLastTime", on: "saga", columns: ["lastTime"],
            condition: Column("deadline") == nil)
        // The table has one row after `begin`, and none before.
        try db.create(table: "memory") { $0.column("beginning", .integer).notNull() }
    }

    /// The position of the last amendment that the sagas reflected when the store was opened.
    var amendmentCheckpoint: UInt64 { store.checkpoint }

    /// Returns the position where the memory begins: it contains every handled event after it. Nil
    /// for a new memory.
    func beginning() async throws -> UInt64? {
        try await store.read { db in
            try Int64.fetchOne(db, sql: "SELECT beginning FROM memory")
        }.map(UInt64.init(clamping:))
    }

    /// Begins the memory, with open sagas. Does not change sagas that it has already.
    func begin(at position: UInt64, _ sagas: [Entry]) async throws {
        try await store.write { db in
            try Self.insert("OR IGNORE", sagas, db)
            try db.execute(
                sql: "INSERT INTO memory VALUES (?)", arguments: [Int64(clamping: position)])
        }
    }

    /// Removes up to `maximum` sagas without a deadline whose last event was before `time`, the
    /// oldest first.
    ///
    /// - Returns: how many sagas were removed, and the position where the memory begins now.
    func trim(before time: Timestamp, atMost maximum: Int) async throws -> (Int, UInt64) {
        let count = try await store.write { db in
            let positions = try Int64.fetchAll(
                db,
                sql: """
                    DELETE FROM saga WHERE id IN (
                        SELECT id FROM saga WHERE deadline IS NULL AND lastTime < ?
                        ORDER BY lastTime LIMIT ?
                    ) RETURNING lastPosition
                    """, arguments: [time.microseconds, maximum])
            if let last = positions.max() {
                try db.execute(
                    sql: "UPDATE memory SET beginning = max(beginning, ?)", arguments: [last])
            }
            return positions.count
        }
        return (count, try await beginning() ?? 0)
    }

    /// Returns those sagas of `ids` that are in the memory.
    func sagas(_ ids: Set<String>) async throws -> [String: Saga<State>] {
        guard !ids.isEmpty else { return [:] }
        return try await store.read { db in
            let statement = try db.cachedStatement(
                sql: "SELECT * FROM saga WHERE id IN (SELECT value FROM json_each(?))")
            let rows = try Row.fetchAll(statement, arguments: [try JSON.text(Array(ids))])
            return try Dictionary(
                uniqueKeysWithValues: rows.map { row in
                    (try row.decode(forColumn: "id"), try Self.saga(row))
                })
        }
    }

    /// Returns the ids of all sagas.
    func ids() async throws -> [String] {
        try await store.read { try String.fetchAll($0, sql: "SELECT id FROM saga") }
    }

    /// Returns the deadlines of all sagas that have one.
    func deadlines() async throws -> [Deadline] {
        try await store.read { db in
            try Row.fetchAll(db, sql: "SELECT id, deadline FROM saga WHERE deadline IS NOT NULL")
                .map {
                    Deadline(
                        time: Timestamp(microseconds: try $0.decode(forColumn: "deadline")),
                        saga: try $0.decode(forColumn: "id"))
                }
        }
    }

    /// Stores the sagas on disk in one transaction, and replaces their earlier states.
    func commit(_ sagas: [Entry]) async throws {
        guard !sagas.isEmpty else { return }
        try await store.write { try Self.insert("OR REPLACE", sagas, $0) }
    }

    /// Records that the sagas reflect the amendments up to `position`.
    func markAmended(through position: UInt64) async throws {
        try await store.commit([], checkpoint: position)
    }

    /// Stores the sagas.
    ///
    /// - Parameter conflict: SQL's conflict clause for a saga that exists already.
    private static func insert(_ conflict: String, _ sagas: [Entry], _ db: Database) throws {
        let statement = try db.cachedStatement(
            sql: """
                INSERT \(conflict) INTO saga
                (id, state, correlation, lastEvent, lastPosition, lastTime, deadline)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """)
        for (id, saga, deadline) in sagas {
            try statement.execute(arguments: [
                id, try JSON.data(saga.state), saga.correlationID.description,
                saga.lastEventID.description, Int64(clamping: saga.lastPosition),
                saga.lastTime.microseconds, deadline?.microseconds,
            ])
        }
    }

    func close() throws { try store.close() }

    private static func id(in column: String, of row: Row) throws -> EventID {
        let text = try row.decode(String.self, forColumn: column)
        guard let id = EventID(text) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: [], debugDescription: "'\(text)' is not an id"))
        }
        return id
    }

    private static func saga(_ row: Row) throws -> Saga<State> {
        Saga(
            state: try JSON.decode(
                State.self, from: row.decode(Data.self, forColumn: "state")),
            correlationID: try id(in: "correlation", of: row),
            lastEventID: try id(in: "lastEvent", of: row),
            lastPosition: try row.decode(forColumn: "lastPosition"),
            lastTime: Timestamp(microseconds: try row.decode(forColumn: "lastTime")))
    }
}
