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
        store = try opened.orThrow(
            .damaged,
            "\(path) was made by another version; remove it, and the store rebuilds it from the "
                + "journal")
    }

    private static let journalAndQueues = """
        CREATE TABLE journal (
            id TEXT NOT NULL, routed INTEGER NOT NULL, running INTEGER NOT NULL,
            logTime INTEGER NOT NULL);
        CREATE TABLE queue (
            id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, definition TEXT NOT NULL,
            isPaused INTEGER NOT NULL DEFAULT 0,
            filled INTEGER DEFAULT -1, -- -1: no rule yet; NULL: all that there is to fill
            lastSequence INTEGER NOT NULL DEFAULT 0,
            acknowledged INTEGER NOT NULL DEFAULT 0, dropped INTEGER NOT NULL DEFAULT 0,
            lastLease INTEGER NOT NULL DEFAULT 0);
        CREATE INDEX leased ON entry (queue, sequence) WHERE lease IS NOT NULL;
        """

    private static func createTables(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE rule (
                    name TEXT PRIMARY KEY, definition TEXT NOT NULL,
                    changedAt INTEGER NOT NULL, changedBy TEXT NOT NULL) WITHOUT ROWID;
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
                """ + journalAndQueues)
        try db.execute(sql: "INSERT INTO journal VALUES ('', 0, 0, 0)")
    }

    /// Version 1 stored the whole state except leases, so deliveries in flight are redelivered. It
    /// stored points in time, this version durations. It numbered leases by the clock.
    private static func migrate(_ db: Database) throws {
        let now = Timestamp.now().microseconds
        try db.execute(
            sql: """
                ALTER TABLE entry ADD COLUMN lease BLOB;
                ALTER TABLE queue RENAME TO queue1;
                """ + journalAndQueues)
        try db.execute(
            sql: """
                INSERT INTO journal SELECT '', checkpoint, 0, 0 FROM daybook;
                UPDATE daybook SET checkpoint = 0;
                UPDATE entry SET notBefore = MAX(notBefore - :now, 0) WHERE notBefore IS NOT NULL;
                INSERT INTO queue SELECT id, name, definition, isPaused, filled, lastSequence,
                    acknowledged, dropped, :now FROM queue1;
                DROP TABLE queue1;
                """, arguments: ["now": now])
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
                            journal.description, record.routed.column,
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
        try await store.read { try $0.progress() }
    }

    /// Marks the tables as following no journal, until they are rebuilt from one.
    func forgetJournal() async throws {
        try await store.commit(
            [{ try $0.execute(sql: "UPDATE journal SET id = ''") }], checkpoint: 0)
    }

    func definitions() async throws -> DefinitionRows {
        try await store.read { try $0.definitions() }
    }

    /// Returns the number of the queue's entries after a sequence.
    func count(of queue: Int64, after sequence: UInt64 = 0) async throws -> Int {
        let sql = "SELECT COUNT(*) FROM entry WHERE queue = ? AND sequence > ?"
        return try await store.read {
            try Int.fetchOne($0, sql: sql, arguments: [queue, sequence.column]) ?? 0
        }
    }

    /// Returns the highest sequence in the queue that has a lease, or 0.
    func lastLeased(of queue: Int64) async throws -> UInt64 {
        let sql = "SELECT MAX(sequence) FROM entry WHERE queue = ? AND lease IS NOT NULL"
        return try await store.read { db in
            UInt64(bitPattern: try Int64.fetchOne(db, sql: sql, arguments: [queue]) ?? 0)
        }
    }

    /// Returns the entries to load, in order.
    func entries(for load: EntryLoad) async throws -> [QueueEntry] {
        try await store.read { try $0.entries(of: load.id, load.range) }
    }

    /// Returns the dead letters that match the request, up to the id `last`, oldest first.
    func deadLetters(
        _ request: DeadLettersRequest, through last: UInt64 = .max
    ) async throws -> [DeadLetterRow] {
        try await store.read { try $0.deadLetters(request, through: last) }
    }

    func deadLetterCounts() async throws -> [String: Int] {
        try await store.read { db in
            let counts: [(String, Int)] = try db.rows(
                "SELECT queue, COUNT(*) AS count FROM deadLetter GROUP BY queue"
            ) { (try $0.decode(forColumn: "queue"), try $0.decode(forColumn: "count")) }
            return Dictionary(uniqueKeysWithValues: counts)
        }
    }

    /// Returns the numbers of dead letters by queue and group.
    func deadGroups() async throws -> [String: [GroupKey: Int]] {
        try await store.read { try $0.deadGroups() }
    }

    /// Returns the sequence of a dead letter's entry in the queue, or nil if it is not there.
    func place(of letter: DeadLetter, in queue: Int64) async throws -> UInt64? {
        try await store.read { try $0.place(of: letter, in: queue) }
    }
}
