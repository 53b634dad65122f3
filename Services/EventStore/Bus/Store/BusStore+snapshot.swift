import EventSourcing
import GRDB
import ServiceRuntime
import WireProtocol

extension BusStore {
    private static let entriesTogether = 10_000
    private static let lettersTogether = 500

    /// Starts a generation of the journal with a consistent snapshot of the tables. The caller must
    /// finish it.
    ///
    /// - Returns: the position of the current generation up to which the tables were complete.
    func snapshot(to generation: JournalGeneration) async throws -> UInt64 {
        try await store.read { db in
            let file = try generation.begin()
            try Self.records(in: db) { _ = try file.append($0) }
            try file.close()
            let position = try Int64.fetchOne(db, sql: "SELECT checkpoint FROM daybook")
            return UInt64(bitPattern: position ?? 0)
        }
    }

    private static func records(
        in db: Database, _ write: (JournalRecord) throws -> Void
    ) throws {
        let (_, empty) = try progress(db)
        var record = empty
        for rule in try rules(db) { record.batch.rules[rule.rule.name] = rule }
        for row: ReplayRow in try rows("SELECT row FROM replay", db) {
            record.batch.replays[row.definition.name] = row
        }
        for row: ArchiveRow in try rows("SELECT row FROM archive", db) {
            record.batch.archives[row.definition.name] = row
        }
        let queues = try queues(db)
        for queue in queues {
            var writes = QueueWrites(id: queue.id)
            (writes.definition, writes.counters) = (queue.definition, queue.counters)
            record.batch.queues[queue.id] = writes
        }
        try write(record)
        for queue in queues { try entries(of: queue.id, in: db, empty, write) }
        try deadLetters(in: db, empty, write)
    }

    private static func entries(
        of queue: Int64, in db: Database, _ empty: JournalRecord,
        _ write: (JournalRecord) throws -> Void
    ) throws {
        var last: Int64 = -1
        while true {
            let page = try entries(
                "sequence > ? ORDER BY sequence LIMIT ?", [queue, last, entriesTogether], db)
            guard let end = page.last else { return }
            last = Int64(bitPattern: end.sequence)
            var record = empty
            var writes = QueueWrites(id: queue)
            for entry in page { writes.add(entry) }
            record.batch.queues[queue] = writes
            try write(record)
        }
    }

    private static func deadLetters(
        in db: Database, _ empty: JournalRecord, _ write: (JournalRecord) throws -> Void
    ) throws {
        var last: Int64 = -1
        while true {
            let page = try Row.fetchAll(
                db, sql: "SELECT * FROM deadLetter WHERE id > ? ORDER BY id LIMIT ?",
                arguments: [last, lettersTogether]
            ).map(DeadLetterRow.init)
            guard let end = page.last else { return }
            last = Int64(bitPattern: end.id)
            var record = empty
            for letter in page { record.batch.newDeadLetters[letter.id] = letter }
            try write(record)
        }
    }
}
