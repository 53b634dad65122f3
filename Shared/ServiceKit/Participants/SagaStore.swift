import EventSourcing
import Foundation
import GRDB

/// What a participant remembers of one saga, with what its next event would be linked to.
struct Saga<State: Codable & Sendable>: Sendable {
    var state: State
    var correlationID: EventID
    /// The last event of the saga that is in the state, and its position: what is delivered from
    /// there or before it has been seen.
    var lastEventID: EventID
    var lastPosition: UInt64
}

/// The participant's memory on disk.
///
/// It has no checkpoint: what is still to come is in the participant's queue. What is acknowledged
/// there does not come again, so it must be on disk here.
struct SagaStore<State: Codable & Sendable>: Sendable {
    static var version: Int { 2 }

    private let store: ProjectedStore

    var path: String { store.path }

    /// - Throws: `ProjectedStore.Unusable` for a store that a later version has made: reactions to
    ///   the events it has seen are in the log, so it may be removed.
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
                }
            ]
        ) { db in
            try db.create(table: "saga", options: .withoutRowID) { table in
                table.primaryKey("id", .text)
                table.column("state", .blob).notNull()
                table.column("correlation", .text).notNull()
                table.column("lastEvent", .text).notNull()
                table.column("deadline", .integer)
                table.column("lastPosition", .integer).notNull()
            }
            try db.create(
                index: "sagaDeadline", on: "saga", columns: ["deadline"],
                condition: Column("deadline") != nil)
        }
        guard let opened else {
            throw ProjectedStore.Unusable(
                description:
                    "\(path) was made by a later version; remove it to go through the log again")
        }
        store = opened
    }

    /// The sagas of `ids` that are known.
    func sagas(_ ids: Set<String>) async throws -> [String: Saga<State>] {
        guard !ids.isEmpty else { return [:] }
        return try await store.read { db in
            let rows = try Row.fetchAll(
                db,
                sql: "SELECT * FROM saga WHERE id IN (SELECT value FROM json_each(?))",
                arguments: [String(decoding: try JSONEncoder().encode(Array(ids)), as: UTF8.self)])
            return try Dictionary(uniqueKeysWithValues: rows.map { ($0["id"], try Self.saga($0)) })
        }
    }

    /// The ids of sagas that have a deadline, with the deadline.
    func deadlines() async throws -> [(id: String, deadline: Timestamp)] {
        try await store.read { db in
            try Row.fetchAll(db, sql: "SELECT id, deadline FROM saga WHERE deadline IS NOT NULL")
                .map { ($0["id"], Timestamp(microseconds: $0["deadline"])) }
        }
    }

    func commit(
        _ sagas: [(id: String, saga: Saga<State>, deadline: Timestamp?)]
    ) async throws {
        let write: ProjectedStore.Write = { db in
            let statement = try db.cachedStatement(
                sql: """
                    INSERT OR REPLACE INTO saga
                    (id, state, correlation, lastEvent, lastPosition, deadline)
                    VALUES (?, ?, ?, ?, ?, ?)
                    """)
            let encoder = JSONEncoder()
            for (id, saga, deadline) in sagas {
                try statement.execute(arguments: [
                    id, try encoder.encode(saga.state), saga.correlationID.description,
                    saga.lastEventID.description, Int64(saga.lastPosition), deadline?.microseconds,
                ])
            }
        }
        guard !sagas.isEmpty else { return }
        try await store.commit([write], checkpoint: store.checkpoint)
    }

    func close() throws { try store.close() }

    private static func saga(_ row: Row) throws -> Saga<State> {
        guard let correlation = EventID(row["correlation"]), let last = EventID(row["lastEvent"]),
            let position = UInt64(exactly: row["lastPosition"] as Int64)
        else {
            throw ProjectedStore.Unusable(
                description: "saga \(row["id"] as String) has a bad id or position")
        }
        return Saga(
            state: try JSONDecoder().decode(State.self, from: row["state"]),
            correlationID: correlation, lastEventID: last, lastPosition: position)
    }
}
