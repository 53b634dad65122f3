import EventLog
import EventSourcing
import Foundation
import TestSupport
import Testing

@Suite struct `Event log` {
    @Test func `Reads return staged events only after the commit`() throws {
        var log = try open(FaultyStorage())
        let appended = try log.stage([event(1), event(2, stream: "s-2"), event(3)])
        #expect(appended.first == 1 && appended.last == 3 && appended.lastRevision == 1)
        #expect(try log.all().isEmpty)
        #expect(log.head == 0)
        let committed = try RecordSequence(try log.commit()[...])
        #expect(committed.map(\.position) == [1, 2, 3])
        let events = try log.all()
        #expect(events.map(\.position) == [1, 2, 3])
        #expect(events.map(\.revision) == [0, 0, 1])
        #expect(events.map(\.previousInCategory) == [0, 1, 2])
        #expect(events.map(\.time.microseconds) == [1_000, 1_001, 1_002])
        #expect(
            events.map { String(decoding: $0.data, as: UTF8.self).prefix(7) }
                == ["event 1", "event 2", "event 3"])
    }

    @Test func `Reopened log of many segments continues where it stopped`() throws {
        let storage = FaultyStorage()
        var log = try open(storage)
        let id = log.id
        for number in 1...60 {
            let text = String(repeating: "x", count: 4 * number)
            try log.stage([event(number, stream: "s-\(number % 3)", text: text)])
            if number.isMultiple(of: 4) { try log.commit() }
        }
        try log.commit()
        #expect(storage.names().count > 3)
        var again = try open(storage)
        #expect(again.id == id)
        #expect(again.head == 60)
        #expect(try again.all().map(\.id.low) == (1...60).map { UInt64($0) })
        try again.stage([event(61, stream: "s-1")], .stream(StreamName("s-1"), .revision(19)))
        try again.commit()
        let last = try #require(try again.all().last)
        #expect(last.revision == 20 && last.previousInCategory == 60)
        let times = try again.all().map(\.time)
        #expect(zip(times, times.dropFirst()).allSatisfy { $0 < $1 })
    }

    @Test func `Event times rise strictly even if the clock stands still or goes back`() throws {
        let storage = FaultyStorage()
        var clock: [Int64] = []
        func log() throws -> EventLog {
            try EventLog(in: storage, segmentBytes: 4096) {
                Timestamp(microseconds: clock.isEmpty ? 0 : clock.removeFirst())
            }
        }
        func append(_ numbers: ClosedRange<Int>, to log: inout EventLog, at time: Int64) throws {
            clock = [time]
            let appended = try log.stage(numbers.map { try event($0) })
            try log.commit()
            #expect(try log.all().last?.time == appended.time)
        }
        var first = try log()
        try append(1...3, to: &first, at: 5_000)
        // The clock stands still, then goes back.
        try append(4...4, to: &first, at: 5_000)
        try append(5...5, to: &first, at: 1)
        try append(6...6, to: &first, at: 9_000)
        // Times also rise in the next process and in the next segments.
        var second = try log()
        try append(7...7, to: &second, at: 10)
        for number in 8...80 { try append(number...number, to: &second, at: 20) }
        #expect(storage.names().count > 3)
        var third = try log()
        try append(81...81, to: &third, at: 30)
        let times = try third.all().map(\.time.microseconds)
        #expect(times.prefix(7) == [5_000, 5_001, 5_002, 5_003, 5_004, 9_000, 9_001])
        #expect(zip(times, times.dropFirst()).allSatisfy { $0 < $1 })
    }

    @Test func `Log keeps its id when it is reopened before its first event`() throws {
        let storage = FaultyStorage()
        let id = try open(storage).id
        var again = try open(storage)
        #expect(again.id == id && again.head == 0)
        #expect(try again.stage([event(1)]).first == 1)
        try again.commit()
        #expect(try open(storage).id == id)
    }

    @Test func `Commit returns all staged events, also across a segment's end`() throws {
        var log = try open(FaultyStorage())
        for number in 1...60 { try log.stage([event(number)]) }
        let committed = try RecordSequence(try log.commit()[...])
        #expect(committed.map(\.position) == Array(1...60))
        #expect(try log.commit().isEmpty)
    }

    @Test func `Failed append condition reports the actual revision or position`() throws {
        var log = try open(FaultyStorage())
        let stream = try StreamName("s-1")
        try log.stage([event(1, tags: ["seat:7"])], .stream(stream, .noStream))
        #expect(throws: AppendError.wrongRevision(stream, actual: 0)) {
            try log.stage([event(2)], .stream(stream, .noStream))
        }
        #expect(throws: AppendError.wrongRevision(stream, actual: 0)) {
            try log.stage([event(2)], .stream(stream, .revision(1)))
        }
        let other = try StreamName("s-9")
        #expect(throws: AppendError.wrongRevision(other, actual: nil)) {
            try log.stage([event(2)], .stream(other, .streamExists))
        }
        let none = AppendCondition(noneMatching: .init(.tags(["seat:7"]), after: 0))
        #expect(throws: AppendError.conditionFailed(position: 1)) {
            try log.stage([event(2)], none)
        }
        try log.stage(
            [event(2)], AppendCondition(noneMatching: .init(.tags(["seat:7"]), after: 1)))
        try log.commit()
        #expect(log.head == 2)
    }

    @Test func `Repeated append gets the first answer, and a reused id is rejected`() throws {
        let storage = FaultyStorage()
        var log = try open(storage)
        let condition = AppendCondition.stream(try StreamName("s-1"), .noStream)
        let first = try log.stage([event(1), event(2)], condition)
        var staged = try log.stage([event(1), event(2)], condition)
        #expect(staged.isRepeat)
        staged.isRepeat = false
        #expect(staged == first)
        try log.commit()
        var again = try open(storage)
        #expect(try again.stage([event(1), event(2)], condition).isRepeat)
        #expect(throws: AppendError.idReused(EventID(high: 7, low: 1), position: 1)) {
            try again.stage([event(1, text: "other")])
        }
        #expect(throws: AppendError.idReused(EventID(high: 7, low: 2), position: 2)) {
            try again.stage([event(3), event(2)])
        }
        try again.commit()
        #expect(again.head == 2)
    }

    @Test func `Empty, duplicate, oversized or damaged append is rejected`() throws {
        var log = try open(FaultyStorage())
        #expect(throws: AppendError.self) { try log.stage([]) }
        #expect(throws: AppendError.self) { try log.stage([event(1), event(1)]) }
        #expect(throws: AppendError.self) {
            try log.stage([event(1, text: String(repeating: "x", count: 5000))])
        }
        var bytes: [UInt8] = []
        try event(1).encode(into: &bytes)
        for index in RecordLayout.headSize..<bytes.count {
            var damaged = bytes
            damaged[index] ^= 1
            #expect(throws: AppendError.self) { try log.stage(damaged.span) }
        }
        try log.commit()
        #expect(log.head == 0)
    }

    @Test func `Index lookup finds the same events as a full scan`() throws {
        var log = try open(FaultyStorage())
        var random = SystemRandomNumberGenerator()
        for number in 1...120 {
            let digit = Int.random(in: 0..<4, using: &random)
            try log.stage([
                event(
                    number, stream: "c\(digit % 2)-\(digit)", type: "T\(number % 3)",
                    tags: ["a:\(digit)", "b:\(number % 5)"])
            ])
            if number.isMultiple(of: 10) { try log.commit() }
        }
        let everything = try log.all()
        for query in [
            EventQuery.stream(try StreamName("c1-3")), .categories(["c0"]), .types(["T1", "T2"]),
            .tags(["a:1", "b:2"]), .tags(["none"]),
            EventQuery([.init(categories: ["c1"], types: ["T0"]), .init(tags: ["b:4"])]),
        ] {
            let expected = everything.filter(query.matches).map(\.position)
            #expect(try log.all(query).map(\.position) == expected)
            let backwards = try log.all(query, isBackwards: true)
            #expect(backwards.map(\.position) == expected.reversed())
        }
    }

    @Test func `Failed sync ends the log and every later call gets its error`() throws {
        let storage = FaultyStorage()
        var log = try open(storage)
        try log.stage([event(1)])
        storage.changesLeft = 1
        let failure = try #require(throws: LogError.self) { try log.commit() }
        storage.changesLeft = nil
        #expect(throws: failure) { try log.commit() }
        #expect(throws: AppendError.log(failure)) { try log.stage([event(2)]) }
    }
}

@Suite(.mayBlock) struct `Crash recovery of a log` {
    /// Commits twelve groups of appends, each append of one to three events. Some appends cross the
    /// end of a segment.
    private func workload(on storage: FaultyStorage, acknowledged: inout UInt64) throws {
        var log = try open(storage)
        var number = 0
        for group in 0..<12 {
            for _ in 0...(group % 3) {
                let events = try (0...(number % 3)).map { _ in
                    number += 1
                    return try event(number, text: String(repeating: "y", count: number * 7 % 400))
                }
                try log.stage(events)
            }
            try log.commit()
            acknowledged = log.head
        }
    }

    @Test(arguments: ["nothing unsynced", "everything", "some sectors"])
    func `Recovery keeps acknowledged events and only whole appends`(survives: String) throws {
        let rehearsal = FaultyStorage()
        var total: UInt64 = 0
        try workload(on: rehearsal, acknowledged: &total)
        let changes = rehearsal.changes
        let complete = try open(rehearsal).all()
        var random = SplitMix(state: 5)
        for crash in 0..<changes {
            let storage = FaultyStorage()
            storage.changesLeft = crash
            var acknowledged: UInt64 = 0
            #expect(throws: (any Error).self) {
                try workload(on: storage, acknowledged: &acknowledged)
            }
            let disk = storage.crashed {
                switch survives {
                case "everything": true
                case "nothing unsynced": false
                default: Bool.random(using: &random)
                }
            }
            var log = try open(disk)
            let events = try log.all()
            #expect(log.head >= acknowledged, "crash at change \(crash)")
            #expect(events.map(\.id) == complete.prefix(events.count).map(\.id))
            #expect(events.last?.hasMoreOfAppend != true, "crash at change \(crash)")
            try log.stage([event(1_000)])
            try log.commit()
            #expect(try open(disk).head == UInt64(events.count) + 1)
        }
    }

    @Test func `Flipped byte is reported and never changes what reads return`() throws {
        let storage = FaultyStorage()
        var acknowledged: UInt64 = 0
        try workload(on: storage, acknowledged: &acknowledged)
        let complete = try open(storage).all().map(\.id)
        let names = storage.names()
        #expect(names.contains { $0.hasSuffix(".index") })
        for name in names {
            for offset in stride(from: 0, to: try storage.size(of: name), by: 37) {
                let rest = try storage.read(name, at: offset, count: 4096)
                // The zeros after the last record hold no data that damage could change.
                guard rest.contains(where: { $0 != 0 }) else { continue }
                let disk = storage.crashed { true }
                disk.flip(name, at: offset)
                let report = try LogVerification(of: disk)
                #expect(!report.faults.isEmpty, "\(name) at \(offset)")
                guard let log = try? open(disk) else { continue }
                if let events = try? log.all() { #expect(events.map(\.id) == complete) }
                for id in complete {
                    if let found = try? log.committedEvent(id: id) { #expect(found.id == id) }
                }
            }
        }
    }
}

@Suite struct `Damage at the end of a log` {
    /// A log of three commits, each of one record of the same size.
    private func storage() throws -> (FaultyStorage, record: Int) {
        let storage = FaultyStorage()
        var log = try open(storage)
        for number in 1...3 {
            try log.stage([event(number)])
            try log.commit()
        }
        return (storage, try event(1).recordSize)
    }

    @Test func `Torn append that was not acknowledged is cut off`() throws {
        let (storage, record) = try storage()
        var log = try open(storage)
        try log.stage([event(4)])
        // The event is written but not synced, so it is not acknowledged.
        storage.changesLeft = 1
        #expect(throws: LogError.self) { try log.commit() }
        let disk = storage.crashed { true }
        #expect(try open(disk.crashed { true }).head == 4)
        disk.flip(disk.names()[0], at: 64 + 3 * record + 100)
        #expect(try open(disk).head == 3)
        #expect(try open(disk).all().map(\.position) == [1, 2, 3])
    }

    @Test func `Log with a damaged last acknowledged record does not open`() throws {
        let (storage, record) = try storage()
        let name = storage.names()[0]
        storage.flip(name, at: 64 + 2 * record + 100)
        #expect(
            throws: LogError.damaged(
                segment: name, offset: 64 + 2 * record, position: 3, "the record is invalid")
        ) { _ = try open(storage).head }
    }

    @Test func `Damaged record before a later commit is reported, not cut off`() throws {
        let (storage, record) = try storage()
        let name = storage.names()[0]
        storage.flip(name, at: 64 + record + 100)
        #expect(
            throws: LogError.damaged(
                segment: name, offset: 64 + record, position: 2, "the record is invalid")
        ) { _ = try open(storage).head }
    }
}

@Suite struct `Log in a folder` {
    private let folder = NSTemporaryDirectory() + "daybook-" + UUID().uuidString

    @Test func `Folder keeps its log for the next process and rejects a second writer`() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        do {
            var log = try open(FileStorage(folder: folder))
            for number in 1...50 { try log.stage([event(number)]) }
            try log.commit()
            #expect(throws: StorageError.self) { try FileStorage(folder: folder) }
        }
        let again = try open(FileStorage(folder: folder))
        #expect(try again.all().map(\.id.low) == (1...50).map { UInt64($0) })
    }
}
