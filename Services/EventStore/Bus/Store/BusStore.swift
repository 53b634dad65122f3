import EventSourcing
import Foundation
import GRDB
import JSON
import Observability
import ServiceRuntime
import WireProtocol

/// The bus's tables, for look-ups: rules and queues as the log last defined them, the entries of
/// each queue, and dead letters.
///
/// The tables are a cache of the journal, which restores what a crash takes from them. Each
/// transaction also stores the journal's position up to which it was folded onto them. An entry is
/// a row of numbers, because the event itself is in the log.
struct BusStore: Sendable {
    static let version = 2

    let store: ProjectedStore

    /// The position of the journal up to which the tables are complete.
    var checkpoint: UInt64 { store.checkpoint }

    /// Opens the tables, or creates them. Migrates those of version 1, which had no journal.
    ///
    /// - Throws: `damaged` for a store of another version or log.
    init(path: String, log: EventID) throws {
        let opened = try ProjectedStore.open(
            path, version: Self.version, log: log, migrations: [1: Self.migrate],
            create: Self.createTables)
        guard let opened else {
            throw DaybookError(
                .damaged,
                "\(path) was made by another version; remove it, and the store "
                    + "rebuilds it from the journal")
        }
        store = opened
    }

    private static func createTables(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE journal (
                    id TEXT NOT NULL, routed INTEGER NOT NULL, running INTEGER NOT NULL,
                    logTime INTEGER NOT NULL);
                INSERT INTO journal VALUES ('', 0, 0, 0);
                CREATE TABLE rule (
                    name TEXT PRIMARY KEY, definition TEXT NOT NULL,
                    changedAt INTEGER NOT NULL, changedBy TEXT NOT NULL) WITHOUT ROWID;
                CREATE TABLE queue (
                    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, definition TEXT NOT NULL,
                    isPaused INTEGER NOT NULL DEFAULT 0,
                    filled INTEGER DEFAULT -1, -- -1: no rule yet; NULL: all that there is to fill
                    lastSequence INTEGER NOT NULL DEFAULT 0,
                    acknowledged INTEGER NOT NULL DEFAULT 0, dropped INTEGER NOT NULL DEFAULT 0,
                    lastLease INTEGER NOT NULL DEFAULT 0);
                CREATE TABLE entry (
                    queue INTEGER NOT NULL, sequence INTEGER NOT NULL, position INTEGER NOT NULL,
                    rule TEXT NOT NULL, replay TEXT, high INTEGER NOT NULL, low INTEGER NOT NULL,
                    enqueuedAt INTEGER NOT NULL, receives INTEGER NOT NULL,
                    firstReceivedAt INTEGER, notBefore INTEGER, error TEXT, lease BLOB,
                    PRIMARY KEY (queue, sequence)) WITHOUT ROWID;
                CREATE TABLE deadLetter (
                    id INTEGER PRIMARY KEY, queue TEXT NOT NULL, rule TEXT NOT NULL,
                    label TEXT NOT NULL, high INTEGER NOT NULL, low INTEGER NOT NULL,
                    letter TEXT NOT NULL, diedAt INTEGER NOT NULL);
                CREATE TABLE replay (name TEXT PRIMARY KEY, row TEXT NOT NULL) WITHOUT ROWID;
                CREATE TABLE archive (name TEXT PRIMARY KEY, row TEXT NOT NULL) WITHOUT ROWID;
                CREATE INDEX deadLetterOfQueue ON deadLetter (queue, id);
                CREATE INDEX leased ON entry (queue, sequence) WHERE lease IS NOT NULL;
                """)
    }

    /// Version 1 stored the whole state except leases, so deliveries in flight are redelivered.
    private static func migrate(_ db: Database) throws {
        let now = Timestamp.now().microseconds
        try db.execute(
            sql: """
                CREATE TABLE journal (
                    id TEXT NOT NULL, routed INTEGER NOT NULL, running INTEGER NOT NULL,
                    logTime INTEGER NOT NULL);
                INSERT INTO journal SELECT '', checkpoint, 0, 0 FROM daybook;
                UPDATE daybook SET checkpoint = 0;
                ALTER TABLE entry ADD COLUMN lease BLOB;
                CREATE INDEX leased ON entry (queue, sequence) WHERE lease IS NOT NULL;
                ALTER TABLE queue RENAME TO queue1;
                CREATE TABLE queue (
                    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, definition TEXT NOT NULL,
                    isPaused INTEGER NOT NULL DEFAULT 0, filled INTEGER DEFAULT -1,
                    lastSequence INTEGER NOT NULL DEFAULT 0,
                    acknowledged INTEGER NOT NULL DEFAULT 0, dropped INTEGER NOT NULL DEFAULT 0,
                    lastLease INTEGER NOT NULL DEFAULT 0);
                """)
        // Version 1 stored points in time, this version durations. Version 1 numbered leases by the
        // clock.
        try db.execute(
            sql: "UPDATE entry SET notBefore = MAX(notBefore - ?, 0) WHERE notBefore IS NOT NULL",
            arguments: [now])
        try db.execute(
            sql: """
                INSERT INTO queue SELECT id, name, definition, isPaused, filled, lastSequence,
                    acknowledged, dropped, ? FROM queue1
                """, arguments: [now])
        try db.execute(sql: "DROP TABLE queue1")
    }

    /// Folds the journal's changes up to `position` onto the tables.
    func commit(_ record: JournalRecord, of journal: EventID, through position: UInt64) async throws
    {
        try await store.commit(
            [
                { db in
                    try record.batch.write(to: db)
                    try db.execute(
                        sql: "UPDATE journal SET id = ?, routed = ?, running = ?, logTime = ?",
                        arguments: [
                            journal.description, Int64(bitPattern: record.routed),
                            record.time.running.microseconds, record.time.log.microseconds,
                        ])
                }
            ], checkpoint: position)
    }

    func close() throws { try store.close() }

    // MARK: Reading

    /// Returns the journal that was folded onto the tables, and the last commit's position and
    /// time.
    func progress() async throws -> (journal: EventID?, JournalRecord) {
        try await store.read(Self.progress)
    }

    static func progress(_ db: Database) throws -> (journal: EventID?, JournalRecord) {
        guard let row = try Row.fetchOne(db, sql: "SELECT * FROM journal") else {
            return (nil, JournalRecord())
        }
        let time = BusTime(
            running: RunningTime(microseconds: try row.decode(forColumn: "running")),
            log: Timestamp(microseconds: try row.decode(forColumn: "logTime")))
        return (
            EventID(try row.decode(String.self, forColumn: "id")),
            JournalRecord(routed: try row.bits("routed"), time: time)
        )
    }

    /// Marks the tables as following no journal, until they are rebuilt from one.
    func forgetJournal() async throws {
        try await store.commit(
            [{ try $0.execute(sql: "UPDATE journal SET id = ''") }], checkpoint: 0)
    }

    func rules() async throws -> [RuleRow] { try await store.read(Self.rules) }

    static func rules(_ db: Database) throws -> [RuleRow] {
        try Row.fetchAll(db, sql: "SELECT * FROM rule ORDER BY name").map { row in
            let definition: Data = try row.decode(forColumn: "definition")
            return RuleRow(
                rule: try JSON.decode(RuleDefinition.self, from: definition),
                changedAt: Timestamp(microseconds: try row.decode(forColumn: "changedAt")),
                changedBy: try row.decode(forColumn: "changedBy"))
        }
    }

    func replays() async throws -> [ReplayRow] {
        try await store.read { try Self.rows("SELECT row FROM replay", $0) }
    }

    func archives() async throws -> [ArchiveRow] {
        try await store.read { try Self.rows("SELECT row FROM archive", $0) }
    }

    static func rows<Value: Decodable>(_ sql: String, _ db: Database) throws -> [Value] {
        try Data.fetchAll(db, sql: sql).map { try JSON.decode(Value.self, from: $0) }
    }

    func queues() async throws -> [QueueRow] { try await store.read(Self.queues) }

    static func queues(_ db: Database) throws -> [QueueRow] {
        try Row.fetchAll(db, sql: "SELECT * FROM queue ORDER BY id").map(QueueRow.init)
    }

    /// Returns the number of the queue's entries.
    func count(of queue: Int64) async throws -> Int {
        try await store.read { db in
            try Int.fetchOne(
                db, sql: "SELECT COUNT(*) FROM entry WHERE queue = ?", arguments: [queue]) ?? 0
        }
    }

    /// Returns the highest sequence in the queue that has a lease, or 0.
    func lastLeased(of queue: Int64) async throws -> UInt64 {
        try await store.read { db in
            let last = try Int64.fetchOne(
                db, sql: "SELECT MAX(sequence) FROM entry WHERE queue = ? AND lease IS NOT NULL",
                arguments: [queue])
            return UInt64(bitPattern: last ?? 0)
        }
    }

    /// Returns the entries to load, in order.
    func entries(for load: EntryLoad) async throws -> [QueueEntry] {
        switch load.range {
        case .after(let sequence, let limit):
            try await entries(
                "sequence > ? ORDER BY sequence LIMIT ?",
                [load.id, Int64(bitPattern: sequence), limit])
        case .group(let group, let sequence):
            try await entries(
                "sequence <= ? AND high = ? AND low = ? ORDER BY sequence",
                [
                    load.id, Int64(bitPattern: sequence), Int64(bitPattern: group.high),
                    Int64(bitPattern: group.low),
                ])
        }
    }

    private func entries(
        _ condition: String, _ arguments: StatementArguments
    ) async throws -> [QueueEntry] {
        try await store.read { try Self.entries(condition, arguments, $0) }
    }

    static func entries(
        _ condition: String, _ arguments: StatementArguments, _ db: Database
    ) throws -> [QueueEntry] {
        let rows = try Row.fetchCursor(
            db.cachedStatement(
                sql: "SELECT \(QueueEntry.columns) FROM entry WHERE queue = ? AND \(condition)"),
            arguments: arguments)
        return try Array(rows.map { try QueueEntry($0) })
    }

    /// Returns the dead letters that match the request, oldest first.
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
            return Dictionary(
                uniqueKeysWithValues: try rows.map {
                    (try $0.decode(forColumn: "queue"), try $0.decode(forColumn: "count"))
                })
        }
    }

    /// Returns the groups that have a dead letter.
    func deadGroups() async throws -> [(queue: String, group: GroupKey)] {
        try await store.read { db in
            try Row.fetchAll(db, sql: "SELECT DISTINCT queue, high, low FROM deadLetter")
                .map { (try $0.decode(forColumn: "queue"), try GroupKey($0)) }
                .filter { $0.1 != .none }
        }
    }
}
