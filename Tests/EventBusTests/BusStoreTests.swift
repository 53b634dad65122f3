import EventSourcing
import Foundation
import GRDB
import ServiceRuntime
import TestSupport
import Testing
import WireProtocol

@testable import EventBus

@Suite(.mayBlock) struct `Bus tables` {
    /// SQLite stores a value of any type in a column of any type.
    @Test(arguments: [("'x'", 19), ("X'00FF'", 15), ("9e99", 0)])
    func `Damaged column values make reads throw Unusable instead of crashing`(
        value: String, faults: Int
    ) async throws {
        let path = NSTemporaryDirectory() + "daybook-\(UUID().uuidString).sqlite"
        defer { try? ProjectedStore.remove(path) }
        let store = try BusStore(path: path, log: EventID(high: 1, low: 2))
        try await store.commit(full(), of: EventID(high: 3, low: 4), through: 1)
        #expect(try await read(store) == nil)
        var found = 0
        for column in try await columns(of: store) {
            // The rows are restored below, so that only one column is damaged at a time.
            let kept = try await store.store.read { try $0.rows(of: column.table) }
            let set = "UPDATE \(column.table) SET \(column.name) = \(value)"
            guard (try? await change(store, { try $0.execute(sql: set) })) != nil else { continue }
            if let error = try await read(store) {
                #expect(DaybookError.Kind(of: error) == .damaged, "\(column): \(error)")
                found += 1
            }
            try await change(store) { try $0.replace(column.table, with: kept) }
        }
        #expect(try await read(store) == nil)
        #expect(found >= faults)
        try store.close()
    }

    @Test func `A commit may delete queues and create others with their names`() async throws {
        let path = NSTemporaryDirectory() + "daybook-\(UUID().uuidString).sqlite"
        defer { try? ProjectedStore.remove(path) }
        let store = try BusStore(path: path, log: EventID(high: 1, low: 2))
        let names = (1...20).map { "q\($0)" }
        func created(_ ids: ClosedRange<Int64>) -> WriteBatch {
            var batch = WriteBatch()
            for (id, name) in zip(ids, names) {
                var writes = QueueWrites(id: id)
                writes.definition = QueueDefinition(name: name)
                batch.queues[id] = writes
            }
            return batch
        }
        var record = JournalRecord()
        record.batch = created(1...20)
        try await store.commit(record, of: EventID(high: 3, low: 4), through: 1)
        record.batch = WriteBatch()
        for id in Int64(1)...20 {
            var writes = QueueWrites(id: id)
            writes.isDeleted = true
            record.batch.queues[id] = writes
        }
        // The cache gets the changes of several commits at once.
        record.batch.append(created(21...40))
        try await store.commit(record, of: EventID(high: 3, low: 4), through: 2)
        let queues = try await store.definitions().queues
        #expect(Set(queues.map(\.id)) == Set(21...40))
        #expect(Set(queues.map(\.definition.name)) == Set(names))
        try store.close()
    }

    /// A record with at least one row for each table.
    private func full() -> JournalRecord {
        var random = Records(seed: 1)
        var record = JournalRecord()
        let time = Timestamp(microseconds: 1_700_000_000_000_000)
        record.batch.rules["r"] = RuleRow(
            rule: RuleDefinition(name: "r", pattern: "{}", targets: ["q"]), changedAt: time,
            changedBy: "a")
        record.batch.replays["r"] = ReplayRow(
            definition: ReplayDefinition(name: "r", queue: "q"), state: .running,
            startedAt: time, startedBy: "a", first: 1, last: 2, position: 1, delivered: 1)
        record.batch.archives["a"] = ArchiveRow(
            definition: ArchiveDefinition(name: "a", place: "/a"), createdAt: time, createdBy: "a")
        var writes = QueueWrites(id: 1)
        writes.definition = QueueDefinition(name: "q")
        writes.counters = QueueCounters(
            isPaused: false, phase: .live, lastSequence: 9, acknowledged: 1, dropped: 1,
            lastLease: 1)
        var entry = random.entry(9)
        entry.lease = Lease(
            number: 1, consumer: "c", token: .none, visibility: .seconds(1),
            expires: RunningTime(microseconds: 5))
        writes.add(entry)
        record.batch.queues[1] = writes
        let letter = random.letter()
        record.batch.newDeadLetters[letter.id] = letter
        return record
    }

    private func columns(of store: BusStore) async throws -> [(table: String, name: String)] {
        try await store.store.read { db in
            try ["journal", "rule", "queue", "entry", "deadLetter", "replay", "archive"].flatMap {
                table in try db.columns(in: table).map { (table, $0.name) }
            }
        }
    }

    /// Reads all tables as the bus does. Returns the error if a read fails.
    private func read(_ store: BusStore) async throws -> (any Error)? {
        do {
            _ = try await store.progress()
            for queue in try await store.definitions().queues {
                _ = try await store.entries(
                    for: EntryLoad(
                        queue: "q", id: queue.id, epoch: 0, range: .after(0, limit: 10)))
                _ = try await store.lastLeased(of: queue.id)
            }
            _ = try await store.deadLetters(DeadLettersRequest())
            _ = try await store.deadLetterCounts()
            _ = try await store.deadGroups()
            return nil
        } catch {
            return error
        }
    }

    private func change(_ store: BusStore, _ write: @escaping ProjectedStore.Write) async throws {
        try await store.store.commit([write], checkpoint: store.checkpoint)
    }
}

extension Database {
    fileprivate func rows(of table: String) throws -> [[DatabaseValue]] {
        try Row.fetchAll(self, sql: "SELECT * FROM \(table)").map { Array($0.databaseValues) }
    }

    fileprivate func replace(_ table: String, with rows: [[DatabaseValue]]) throws {
        try execute(sql: "DELETE FROM \(table)")
        for row in rows {
            let places = row.map { _ in "?" }.joined(separator: ", ")
            try execute(
                sql: "INSERT INTO \(table) VALUES (\(places))", arguments: StatementArguments(row))
        }
    }
}
