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
        let (_, empty) = try db.progress()
        var record = empty
        let definitions = try db.definitions()
        for row in definitions.rules { record.batch.rules[row.rule.name] = row }
        for row in definitions.replays { record.batch.replays[row.definition.name] = row }
        for row in definitions.archives { record.batch.archives[row.definition.name] = row }
        for queue in definitions.queues {
            var writes = QueueWrites(id: queue.id)
            (writes.definition, writes.counters) = (queue.definition, queue.counters)
            record.batch.queues[queue.id] = writes
        }
        try write(record)
        for queue in definitions.queues.map(\.id) {
            var last: UInt64 = 0
            while case let page = try db.entries(of: queue, .after(last, limit: entriesTogether)),
                let end = page.last
            {
                last = end.sequence
                var writes = QueueWrites(id: queue)
                for entry in page { writes.add(entry) }
                record.batch = WriteBatch(queues: [queue: writes])
                try write(record)
            }
        }
        var request = DeadLettersRequest(limit: lettersTogether)
        while case let page = try db.deadLetters(request), let end = page.last {
            request.after = end.id
            record.batch = WriteBatch()
            for letter in page { record.batch.newDeadLetters[letter.id] = letter }
            try write(record)
        }
    }
}
