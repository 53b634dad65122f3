import EventSourcing
import Foundation
import GRDB
import ServiceKit
import WireProtocol

/// What the bus keeps on disk: rules and queues as the log last defined them, what each queue
/// holds, and its dead letters; with the position up to which the log has been routed, in the same
/// transaction.
///
/// An event that is held costs a row of numbers: the event itself is in the log.
struct BusStore: Sendable {
    static let version = 1

    let store: ProjectedStore

    var routed: UInt64 { store.checkpoint }

    /// - Throws: `ProjectedStore.Unusable` for a store of another version or log.
    init(path: String, log: EventID) throws {
        let opened = try ProjectedStore.open(
            path, version: Self.version, log: log, isDurable: true, create: Self.createTables)
        guard let opened else {
            throw ProjectedStore.Unusable(
                description:
                    "\(path) was made by another version; remove it to route the log again")
        }
        store = opened
    }

    private static func createTables(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE rule (
                    name TEXT PRIMARY KEY, definition TEXT NOT NULL,
                    changedAt INTEGER NOT NULL, changedBy TEXT NOT NULL) WITHOUT ROWID;
                CREATE TABLE queue (
                    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, definition TEXT NOT NULL,
                    isPaused INTEGER NOT NULL,
                    filled INTEGER, -- -1: no rule yet; NULL: all that there is to fill
                    lastSequence INTEGER NOT NULL, acknowledged INTEGER NOT NULL,
                    dropped INTEGER NOT NULL);
                CREATE TABLE entry (
                    queue INTEGER NOT NULL, sequence INTEGER NOT NULL, position INTEGER NOT NULL,
                    rule TEXT NOT NULL, replay TEXT, high INTEGER NOT NULL, low INTEGER NOT NULL,
                    enqueuedAt INTEGER NOT NULL, receives INTEGER NOT NULL,
                    firstReceivedAt INTEGER, notBefore INTEGER, error TEXT,
                    PRIMARY KEY (queue, sequence)) WITHOUT ROWID;
                CREATE TABLE deadLetter (
                    id INTEGER PRIMARY KEY, queue TEXT NOT NULL, rule TEXT NOT NULL,
                    label TEXT NOT NULL, high INTEGER NOT NULL, low INTEGER NOT NULL,
                    letter TEXT NOT NULL, diedAt INTEGER NOT NULL);
                CREATE TABLE replay (name TEXT PRIMARY KEY, row TEXT NOT NULL) WITHOUT ROWID;
                CREATE TABLE archive (name TEXT PRIMARY KEY, row TEXT NOT NULL) WITHOUT ROWID;
                CREATE INDEX deadLetterOfQueue ON deadLetter (queue, id);
                """)
    }

    func commit(_ batch: WriteBatch, routed: UInt64) async throws {
        try await store.commit([{ db in try batch.write(to: db) }], checkpoint: routed)
    }

    func close() throws { try store.close() }

    // MARK: Reading

    func rules() async throws -> [RuleRow] {
        try await store.read { db in
            try Row.fetchAll(db, sql: "SELECT * FROM rule ORDER BY name").map { row in
                RuleRow(
                    rule: try JSONDecoder().decode(RuleDefinition.self, from: row["definition"]),
                    changedAt: Timestamp(microseconds: row["changedAt"]),
                    changedBy: row["changedBy"])
            }
        }
    }

    func replays() async throws -> [ReplayRow] { try await rows("SELECT row FROM replay") }

    func archives() async throws -> [ArchiveRow] { try await rows("SELECT row FROM archive") }

    private func rows<Value: Decodable & Sendable>(_ sql: String) async throws -> [Value] {
        try await store.read { db in
            try Data.fetchAll(db, sql: sql).map { try JSONDecoder().decode(Value.self, from: $0) }
        }
    }

    func queues() async throws -> [QueueRow] {
        try await store.read { db in
            try Row.fetchAll(db, sql: "SELECT * FROM queue ORDER BY id").map(QueueRow.init)
        }
    }

    /// How many entries the queue has.
    func count(of queue: Int64) async throws -> Int {
        try await store.read { db in
            try Int.fetchOne(
                db, sql: "SELECT COUNT(*) FROM entry WHERE queue = ?", arguments: [queue]) ?? 0
        }
    }

    /// Entries behind `sequence`, in their order.
    func entries(
        of queue: Int64, after sequence: UInt64, limit: Int
    ) async throws -> [QueueEntry] {
        try await entries(
            "sequence > ? ORDER BY sequence LIMIT ?", [queue, Int64(sequence), limit])
    }

    /// The entries of one group up to `sequence`, in their order.
    func entries(
        of queue: Int64, in group: GroupKey, through sequence: UInt64
    ) async throws -> [QueueEntry] {
        try await entries(
            "sequence <= ? AND high = ? AND low = ? ORDER BY sequence",
            [
                queue, Int64(sequence), Int64(bitPattern: group.high),
                Int64(bitPattern: group.low),
            ])
    }

    private func entries(
        _ condition: String, _ arguments: StatementArguments
    ) async throws -> [QueueEntry] {
        try await store.read { db in
            let rows = try Row.fetchCursor(
                db.cachedStatement(
                    sql: "SELECT \(QueueEntry.columns) FROM entry "
                        + "WHERE queue = ? AND \(condition)"),
                arguments: arguments)
            return try Array(rows.map { QueueEntry($0) })
        }
    }

    /// Dead letters that fit, the oldest first.
    func deadLetters(_ request: DeadLettersRequest) async throws -> [DeadLetterRow] {
        let selection = request.selection
        var (conditions, arguments) = (
            ["id > ?"], StatementArguments([Int64(clamping: request.after)])
        )
        for (column, value) in [
            ("queue", selection.queue), ("rule", selection.rule), ("label", selection.group),
        ] {
            guard let value else { continue }
            conditions.append("\(column) = ?")
            arguments += [value]
        }
        if let ids = selection.ids {
            conditions.append("id IN (SELECT value FROM json_each(?))")
            arguments += ["[\(ids.map(String.init).joined(separator: ","))]"]
        }
        arguments += [request.limit]
        let sql =
            "SELECT * FROM deadLetter WHERE \(conditions.joined(separator: " AND ")) "
            + "ORDER BY id LIMIT ?"
        return try await store.read { [arguments] db in
            try Row.fetchAll(db, sql: sql, arguments: arguments).map(DeadLetterRow.init)
        }
    }

    func deadLetterCounts() async throws -> [String: Int] {
        try await store.read { db in
            let rows = try Row.fetchAll(
                db, sql: "SELECT queue, COUNT(*) AS count FROM deadLetter GROUP BY queue")
            return Dictionary(uniqueKeysWithValues: rows.map { ($0["queue"], $0["count"]) })
        }
    }

    /// The groups in which something is dead.
    func deadGroups() async throws -> [(queue: String, group: GroupKey)] {
        try await store.read { db in
            try Row.fetchAll(db, sql: "SELECT DISTINCT queue, high, low FROM deadLetter")
                .map { ($0["queue"], GroupKey($0)) }.filter { $0.1 != .none }
        }
    }
}
