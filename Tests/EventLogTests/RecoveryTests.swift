import EventLog
import EventSourcing
import TestSupport
import Testing

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
