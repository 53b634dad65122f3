import EventSourcing
import Foundation
import GRDB
import Logging
import Observability
import ServiceRuntime
import TestSupport
import Testing
import WireProtocol

@testable import EventBus

/// A folder with the files of a bus.
private final class Folder {
    let path = NSTemporaryDirectory() + "daybook-" + UUID().uuidString.prefix(8)
    let log = EventID(high: 1, low: 2)

    init() throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var journal: String { path + "/journal" }
    var cache: String { path + "/bus.sqlite" }

    func open(log: EventID? = nil, head: UInt64 = .max) async throws -> BusFiles {
        try await BusFiles.open(
            journal: journal, cache: cache, of: log ?? self.log, head: head,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    func remove(_ path: String) throws { try FileManager.default.removeItem(atPath: path) }
}

extension BusFiles {
    /// Closes the files as a kill does: unwritten changes are lost.
    fileprivate func close() async throws {
        try store.close()
        try await journal.close()
    }

    /// The content of all tables, as text.
    fileprivate func contents() async throws -> [String] {
        try await store.store.read { db in
            try ["rule", "queue", "entry", "deadLetter", "replay", "archive"].flatMap { table in
                try Row.fetchAll(db, sql: "SELECT * FROM \(table)").map { "\(table) \($0)" }
                    .sorted()
            }
        }
    }
}

@Suite(.mayBlock) struct `Bus files` {
    @Test(arguments: 0..<20 as Range<UInt64>)
    func `Bus files have the same content after the cache or the journal is deleted`(
        seed: UInt64
    ) async throws {
        let folder = try Folder()
        var history = History(seed: seed)
        var files = try await folder.open()
        var last = JournalRecord()
        var through: UInt64 = 0
        for number in 1...40 {
            let record = history.next()
            through = try await files.journal.append(record)
            last.append(record)
            // The gathered commits are folded onto the tables now and then.
            guard number.isMultiple(of: Int(seed % 7) + 1), number < 35 else { continue }
            try await files.store.commit(last, of: await files.journal.id, through: through)
            last.batch = WriteBatch()
        }
        try await files.close()
        files = try await folder.open()
        let contents = try await files.contents()
        #expect(contents.count { $0.hasPrefix("entry") } == history.entries.count)
        #expect(contents.count { $0.hasPrefix("entry") } > 50)
        #expect((files.last.routed, files.last.time) == (last.routed, last.time))
        #expect(files.last.batch.isEmpty)
        try await files.close()

        try folder.remove(folder.cache)
        files = try await folder.open()
        #expect(try await files.contents() == contents)
        #expect((files.last.routed, files.last.time) == (last.routed, last.time))
        try await files.close()

        try folder.remove(folder.journal)
        files = try await folder.open()
        #expect(try await files.contents() == contents)
        #expect((files.last.routed, files.last.time) == (last.routed, last.time))
        try await files.close()
    }

    /// The seed sets how many commits the tables lack before and during the compaction.
    @Test(arguments: 0..<10 as Range<UInt64>)
    func `Compaction of the journal keeps the entries and the last routed position`(
        seed: UInt64
    ) async throws {
        let folder = try Folder()
        var history = History(seed: seed)
        var files = try await folder.open()
        var last = JournalRecord()
        func append() async throws -> UInt64 {
            let record = history.next()
            last.append(record)
            return try await files.journal.append(record)
        }
        for _ in 1...10 { _ = try await append() }
        let stored = try await append()
        try await files.store.commit(last, of: await files.journal.id, through: stored)
        for _ in 0..<seed % 3 { _ = try await append() }
        let next = try #require(try await files.journal.dueGeneration(minimum: 0))
        let position = try await files.store.snapshot(to: next)
        #expect(position == 11)
        for _ in 0..<seed % 4 { _ = try await append() }
        let end = try await files.journal.move(to: next, from: position)
        #expect(await files.journal.head == end)
        #expect(try await files.journal.dueGeneration(minimum: 0) == nil)
        _ = try await append()
        try await files.close()
        // The tables still follow the previous generation of the journal.
        files = try await folder.open()
        let contents = try await files.contents()
        #expect(contents.count { $0.hasPrefix("entry") } == history.entries.count)
        #expect((files.last.routed, files.last.time) == (last.routed, last.time))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.journal) == ["2"])
        try await files.close()
    }

    @Test func `Opening the bus files removes an unfinished journal generation`() async throws {
        let folder = try Folder()
        var files = try await folder.open()
        _ = try await files.journal.append(JournalRecord(routed: 5))
        try await files.close()
        // A process that was killed while it wrote the next generation leaves this folder.
        try FileManager.default.createDirectory(
            atPath: folder.journal + "/2.new", withIntermediateDirectories: true)
        files = try await folder.open()
        #expect(files.last.routed == 5)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.journal) == ["1"])
        try await files.close()
    }

    @Test func `Opening the bus files fails if the journal belongs to another log`() async throws {
        let folder = try Folder()
        try await folder.open().close()
        try folder.remove(folder.cache)
        await #expect {
            try await folder.open(log: EventID(high: 1, low: 3))
        } throws: {
            DaybookError.Kind(of: $0) == .damaged
                && "\($0)".hasPrefix("\(folder.journal)/1 is the bus's journal of another log;")
        }
    }

    /// Changes to the folder that leave no usable journal as its last generation.
    private enum Loss: CaseIterable { case emptied, removed, laterFolder, oddName }

    @Test(arguments: Loss.allCases)
    private func `Bus files keep their content when the journal is missing or misplaced`(
        _ loss: Loss
    ) async throws {
        let folder = try Folder()
        var history = History(seed: 5)
        var files = try await folder.open()
        for _ in 1...10 {
            let record = history.next()
            let through = try await files.journal.append(record)
            try await files.store.commit(record, of: await files.journal.id, through: through)
        }
        let contents = try await files.contents()
        #expect(contents.count > 10)
        try await files.close()
        let (manager, first) = (FileManager.default, folder.journal + "/1")
        switch loss {
        case .emptied:
            try manager.removeItem(atPath: first)
            try manager.createDirectory(atPath: first, withIntermediateDirectories: false)
        case .removed: try manager.removeItem(atPath: folder.journal)
        case .laterFolder:
            try manager.createDirectory(
                atPath: folder.journal + "/2", withIntermediateDirectories: false)
        case .oddName: try manager.moveItem(atPath: first, toPath: folder.journal + "/01")
        }
        for _ in 1...2 {
            files = try await folder.open()
            #expect(try await files.contents() == contents)
            try await files.close()
        }
    }

    @Test func `Opening the bus files fails if the journal ends before the cache does`()
        async throws
    {
        let folder = try Folder()
        let files = try await folder.open()
        for position in 1...3 as ClosedRange<UInt64> {
            let record = JournalRecord(routed: position)
            let through = try await files.journal.append(record)
            try await files.store.commit(record, of: await files.journal.id, through: through + 9)
        }
        try await files.close()
        await #expect {
            try await folder.open()
        } throws: {
            DaybookError.Kind(of: $0) == .damaged
                && "\($0)".contains("/1 ends at position 3, but its cache \(folder.cache) is")
        }
    }

    @Test func `Cache that is ahead of the log is rebuilt from the journal`() async throws {
        let folder = try Folder()
        var files = try await folder.open()
        let record = JournalRecord(routed: 7)
        let through = try await files.journal.append(record)
        let wrong = JournalRecord(routed: 4103)
        try await files.store.commit(wrong, of: await files.journal.id, through: through)
        try await files.close()
        files = try await folder.open(head: 7)
        #expect(files.last.routed == 7)
        try await files.close()
    }

    @Test func `Opening the bus files fails if a journal segment is damaged`() async throws {
        let folder = try Folder()
        let files = try await folder.open()
        for position in 1...3 as ClosedRange<UInt64> {
            _ = try await files.journal.append(JournalRecord(routed: position))
        }
        try await files.close()
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.journal + "/1")
        let segment = try #require(names.first { $0.hasSuffix(".segment") })
        let handle = try #require(
            FileHandle(forUpdatingAtPath: "\(folder.journal)/1/\(segment)"))
        try handle.seek(toOffset: 64 + 160)
        try handle.write(contentsOf: [1, 2, 3])
        try handle.close()
        await #expect {
            try await folder.open()
        } throws: {
            DaybookError.Kind(of: $0) == .damaged
                && "\($0)".contains("\(folder.journal)/1 can't be used: ")
                && "\($0)".contains(".segment is damaged")
        }
    }

    /// The tables of version 1, which had no journal, as commit c4c5307 created them.
    private static let version1 = """
        CREATE TABLE daybook (version INTEGER, log TEXT, checkpoint INTEGER);
        CREATE TABLE rule (
            name TEXT PRIMARY KEY, definition TEXT NOT NULL,
            changedAt INTEGER NOT NULL, changedBy TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE queue (
            id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, definition TEXT NOT NULL,
            isPaused INTEGER NOT NULL,
            filled INTEGER,
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
        """

    private func makeVersion1(_ folder: Folder) throws {
        let database = try DatabaseQueue(path: folder.cache)
        let soon = Timestamp.now().microseconds + 100_000_000
        try database.write { db in
            try db.execute(sql: Self.version1)
            try db.execute(
                sql: "INSERT INTO daybook VALUES (1, ?, 77)", arguments: [folder.log.description])
            try db.execute(
                sql: """
                    INSERT INTO queue VALUES (3, 'q', '{"name":"q"}', 1, NULL, 1009, 12, 1);
                    INSERT INTO entry VALUES
                        (3, 1002, 42, 'r', NULL, 1, 2, 500, 0, NULL, NULL, NULL);
                    INSERT INTO entry VALUES
                        (3, 1009, 49, 'r', 'x', 1, 3, 600, 2, 700, 800, 'no');
                    """)
            try db.execute(
                sql:
                    "INSERT INTO entry VALUES (3, 1005, 45, 'r', NULL, 1, 4, 550, 1, 560, ?, 'no')",
                arguments: [soon])
        }
        try database.close()
    }

    @Test func `Upgrade from version 1 keeps the queue and its entries, even if interrupted`()
        async throws
    {
        let folder = try Folder()
        try makeVersion1(folder)
        // The process was killed after it migrated the tables, before it created the journal.
        try BusStore(path: folder.cache, log: folder.log).close()
        var files = try await folder.open()
        for _ in 1...2 {
            #expect(files.last.routed == 77)
            let queue = try #require(try await files.store.definitions().queues.first)
            #expect(queue.id == 3 && queue.definition.name == "q")
            #expect(queue.isPaused && queue.phase == .live)
            #expect(queue.lastSequence == 1009)
            #expect(queue.acknowledged == 12 && queue.dropped == 1)
            // Higher than any lease number that the earlier version derived from the clock.
            #expect(queue.lastLease > 1_700_000_000_000_000)
            let entries = try await files.store.entries(
                for: EntryLoad(queue: "q", id: 3, epoch: 0, range: .after(0, limit: 10)))
            #expect(entries.map(\.sequence) == [1002, 1005, 1009])
            #expect(entries.map(\.receives) == [0, 1, 2])
            #expect(entries.allSatisfy { $0.lease == nil })
            #expect(entries[0].notBefore == nil && entries[2].notBefore == .zero)
            let left = try #require(entries[1].notBefore) - .zero
            #expect((.seconds(1)...(.seconds(100))).contains(left))
            try await files.close()
            // The process was killed before the tables recorded the journal.
            try folder.remove(folder.cache)
            try makeVersion1(folder)
            files = try await folder.open()
        }
        try await files.close()
    }
}

/// A sequence of commits as a bus makes them: they change and remove only existing rows.
private struct History {
    private var random: Records
    private(set) var entries: Set<Place> = []
    private var queues: Set<Int64> = []
    private var letters: Set<UInt64> = []
    private var position: UInt64 = 0

    struct Place: Hashable {
        let queue: Int64
        let sequence: UInt64
    }

    init(seed: UInt64) { random = Records(seed: seed) }

    mutating func next() -> JournalRecord {
        var record = random.record()
        position += 50
        record.routed = position
        record.batch.queues = [:]
        for id in 1...3 as ClosedRange<Int64> {
            for _ in 1...random.number(3) + 1 { change(id, &record.batch) }
        }
        record.batch.newDeadLetters = [:]
        record.batch.closedDeadLetters = []
        var letter = random.letter()
        letter.id = position
        record.batch.append(WriteBatch(newDeadLetters: [position: letter]))
        if let ended = letters.randomElement(using: &random.source) {
            record.batch.append(WriteBatch(closedDeadLetters: [ended]))
            letters.remove(ended)
        }
        letters.insert(position)
        return record
    }

    /// Makes one random change to the queue.
    private mutating func change(_ id: Int64, _ batch: inout WriteBatch) {
        var writes = QueueWrites(id: id)
        if queues.insert(id).inserted {
            writes.definition = QueueDefinition(name: "q\(id)")
        } else if random.chance(2) {
            writes.isDeleted = true
            queues.remove(id)
            entries = entries.filter { $0.queue != id }
            return batch.append(WriteBatch(queues: [id: writes]))
        } else if random.chance(3) {
            let last = random.last
            writes.purge(through: last)
            entries = entries.filter { $0.queue != id || $0.sequence > last }
        }
        writes.counters = QueueCounters(lastSequence: random.last, acknowledged: random.number())
        for place in entries.filter({ $0.queue == id }).sorted(by: { $0.sequence < $1.sequence }) {
            if random.chance(5) {
                writes.remove(place.sequence)
                entries.remove(place)
            } else if random.chance(10) {
                writes.change(random.entry(place.sequence))
            }
        }
        for _ in 0..<random.number(8) {
            let entry = random.entry(random.nextSequence())
            entries.insert(Place(queue: id, sequence: entry.sequence))
            writes.add(entry)
        }
        batch.append(WriteBatch(queues: [id: writes]))
    }
}
