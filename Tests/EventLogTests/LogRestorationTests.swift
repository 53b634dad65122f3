import EventSourcing
import TestSupport
import Testing

@testable import EventLog

@Suite(.mayBlock) struct `Log restoration from an archive` {
    private let original: Original

    init() throws { original = try Original() }

    /// Expects that the restoration fails and changes nothing.
    private func failure<Events>(
        _ storage: FaultyStorage, from archive: ArchivedLog<Events>
    ) async throws -> DaybookError? {
        let before = try storage.contents(withKept: true)
        let error = await #expect(throws: DaybookError.self) {
            try await restore(storage, from: archive)
        }
        #expect(try storage.contents(withKept: true) == before)
        #expect(!storage.names().contains { $0.hasSuffix(".segment.new") })
        return error
    }

    @Test func `Restoration recreates a missing log byte for byte`() async throws {
        let storage = FaultyStorage()
        var progress: [Int] = []
        let restored = try await LogRestoration(
            of: storage, from: original.archive(), segmentBytes: 4096, newSalt: salt
        ) { step, done, all in
            #expect(step == .restoring && all == 60)
            progress.append(done)
        }
        #expect(progress == Array(1...60))
        #expect(try storage.contents() == original.storage.contents())
        #expect(restored.head == 60 && restored.lost == nil && restored.isEndUnknown)
        #expect(restored.segments.map(\.name) == original.segments)
        #expect(restored.segments.reduce(0) { $0 + $1.archived } == 60)
        var log = try open(storage)
        let appended = try log.stage([event(61, stream: "c1-1")])
        #expect(appended.first == 61 && appended.lastRevision == 8)
        try log.commit()
    }

    @Test func `Restoration repairs a damaged byte in any segment`() async throws {
        for name in original.segments {
            // The log itself cuts off damage after its last event.
            let end =
                name == original.segments.last
                ? try original.end : try original.storage.size(of: name)
            for offset in stride(from: 0, to: end, by: 173) {
                let disk = original.copy()
                try disk.damage(name, at: offset)
                let damaged = try disk.contents()[name]
                let restored = try await restore(disk, from: original.archive())
                #expect(restored.keptAside.map(\.name) == [name], "\(name) at \(offset)")
                #expect(restored.segments.map(\.name) == [name])
                // Damage in the header or after the records loses no event, other damage loses one.
                #expect((0...1).contains(try #require(restored.segments.first).archived))
                #expect(try disk.contents() == original.storage.contents())
                #expect(try disk.contents(withKept: true)["\(name).damaged"] == damaged)
            }
        }
    }

    @Test func `Restoration keeps a copy of a damaged segment beside earlier ones`() async throws {
        let disk = original.copy()
        let name = original.segments[1]
        let size = try disk.size(of: name)
        var copies: [String] = []
        for offset in [size / 4, size / 2, size / 4] {
            try disk.damage(name, at: offset)
            let damaged = try disk.contents()[name]
            let restored = try await restore(disk, from: original.archive())
            let copy = try #require(restored.keptAside.first?.copy)
            #expect(try disk.contents(withKept: true)[copy] == damaged)
            copies.append(copy)
        }
        // The third segment has the same bytes as the first one, so its copy exists.
        #expect(copies == ["damaged", "damaged-2", "damaged"].map { "\(name).\($0)" })
    }

    @Test func `Restoration recreates any set of missing segments`() async throws {
        for gone in 1..<1 << original.segments.count {
            let disk = original.copy()
            let names = original.segments.enumerated().filter { gone & 1 << $0.offset != 0 }
            for (_, name) in names { try disk.remove(name) }
            let restored = try await restore(disk, from: original.archive())
            #expect(try disk.contents(withKept: true) == original.storage.contents())
            #expect(restored.segments.map(\.name) == names.map(\.element))
        }
    }

    @Test func `Restoration repairs a truncated segment and a missing next one`() async throws {
        let disk = original.copy()
        let head = try disk.read(original.segments[0], at: 0, count: 1000)
        try disk.create(original.segments[0], size: 0)
        try disk.write(original.segments[0], head.span, at: 0)
        try disk.sync(original.segments[0])
        try disk.remove(original.segments[1])
        let restored = try await restore(disk, from: original.archive())
        #expect(try disk.contents() == original.storage.contents())
        #expect(restored.keptAside.map(\.name) == [original.segments[0]])
        #expect(restored.segments.count == 2)
    }

    @Test func `Restoration rebuilds a damaged index without the archive's events`() async throws {
        let disk = original.copy()
        let index = IndexFile.name(base: try original.position(of: 1))
        disk.flip(index, at: 900)
        let restored = try await restore(disk, from: original.archive { $0 < 3 })
        #expect(restored.indexes == [original.segments[1]] && restored.segments.isEmpty)
        #expect(try disk.contents(withKept: true) == original.storage.contents())
    }

    @Test func `Restoration does not change an undamaged log`() async throws {
        let disk = original.copy()
        let changes = disk.changes
        for archive in [original.archive(), original.archive { $0 < 30 }] {
            let restored = try await restore(disk, from: archive)
            #expect(restored.head == 60 && restored.segments.isEmpty && restored.indexes.isEmpty)
        }
        #expect(disk.changes == changes)
    }

    @Test func `Dry run reports what the restoration will do and changes nothing`() async throws {
        let disk = original.copy()
        try disk.damage(original.events[10])
        try disk.remove(original.segments[2])
        let (before, changes) = (try disk.contents(), disk.changes)
        let planned = try await restore(disk, from: original.archive(), isDryRun: true)
        #expect(try disk.contents() == before && disk.changes == changes)
        let restored = try await restore(disk, from: original.archive())
        #expect(restored.segments == planned.segments && planned.segments.count == 2)
        #expect(restored.keptAside == planned.keptAside)
    }

    @Test func `Restoration needs only the damaged events from the archive`() async throws {
        let lacking = original.archive { !(20...25).contains($0) }
        let disk = original.copy()
        try disk.damage(original.events[11])
        try await restore(disk, from: lacking)
        #expect(try disk.contents() == original.storage.contents())
        try disk.damage(original.events[11])
        try disk.damage(original.events[21])
        let one = try await failure(disk, from: lacking)
        #expect(one?.description.contains("position 22;") == true, "\(one?.description ?? "")")
        for name in original.segments { try disk.remove(name) }
        let all = try await failure(disk, from: lacking)
        #expect(all?.description.contains("positions 20-25;") == true, "\(all?.description ?? "")")
    }

    @Test func `Archive that does not match or cover the log is rejected`() async throws {
        let disk = original.copy()
        try disk.damage(original.events[10])
        let other = EventID(high: 3, low: 4)
        let stranger = try await failure(disk, from: original.archive(of: other))
        #expect(
            stranger?.description
                == "the archive is of log \(other), but this is log \(EventID(high: 1, low: 2))")
        // The archive has another event in place of an undamaged one in the damaged segment.
        let astray = try await failure(disk, from: Original(other: 13).archive())
        #expect(astray == LogGap.difference(at: 13))
        let some = try await failure(FaultyStorage(), from: original.archive { $0 % 2 == 0 })
        #expect(
            some?.description.contains("positions 1, 3, 5, 7, 9, 11, 13, 15, and 22 others")
                == true, "\(some?.description ?? "")")
        let none = try await failure(FaultyStorage(), from: original.archive { _ in false })
        #expect(none?.description == "neither the log nor the archive has events")
    }
}

@Suite struct `Restoration of a log's end` {
    private let original: Original

    init() throws { original = try Original() }

    @Test func `Restoration ends where the archive ends and reports lost events`() async throws {
        let disk = original.copy()
        let last = try original.position(of: original.segments.count - 1)
        try disk.remove(original.segments[original.segments.count - 1])
        let restored = try await restore(disk, from: original.archive { $0 <= last })
        #expect(!restored.isEndUnknown && restored.lost == restored.head + 1...60)
        // An append that is archived only in part is not restored.
        #expect(restored.head == last - (original.events[Int(last) - 1].hasMoreOfAppend ? 1 : 0))
        var log = try open(disk)
        #expect(try log.all().map(\.id) == original.events[..<Int(restored.head)].map(\.id))
        let appended = try log.stage([event(100)])
        #expect(appended.first == restored.head + 1)
        try log.commit()
        #expect(try open(disk).all().last?.id.low == 100)
    }

    @Test func `Append that is archived only in part is not restored`() async throws {
        // Positions 58 to 60 are one append.
        let restored = try await restore(FaultyStorage(), from: original.archive { $0 < 60 })
        #expect(restored.head == 57 && restored.lost == 58...59)
    }

    @Test func `Zeroed last segment without archived events is reported as lost`() async throws {
        let disk = original.copy()
        let name = original.segments[original.segments.count - 1]
        let base = try original.position(of: original.segments.count - 1)
        try disk.create(name, size: 4096)
        let restored = try await restore(disk, from: original.archive { $0 < 20 })
        #expect(restored.keptAside.map(\.name) == [name] && restored.lost == base...60)
        var log = try open(disk)
        #expect(log.head == base - 1)
        // The segment before it grows again or a new one begins, and the index matches it.
        for number in 100...130 { try log.stage([event(number)]) }
        try log.close()
        #expect(try open(disk).all().count == Int(base) + 30)
        #expect(try LogVerification(of: disk).faults.isEmpty)
    }

    /// A log of two commits, each of three appends of one event, and its events.
    private func short() throws -> (FaultyStorage, [RecordedEvent]) {
        let storage = FaultyStorage()
        var log = try open(storage)
        for number in 1...6 {
            try log.stage([event(number)])
            if number.isMultiple(of: 3) { try log.commit() }
        }
        return (storage, try log.all())
    }

    private func archive(
        _ events: some Sequence<RecordedEvent>
    ) -> ArchivedLog<AsyncStream<RecordedEvent>> {
        let events = Array(events)
        return ArchivedLog(
            of: EventID(high: 1, low: 2), through: events.last?.position ?? 0
        ) { positions in
            AsyncStream { continuation in
                for event in events where positions.contains(event.position) {
                    continuation.yield(event)
                }
                continuation.finish()
            }
        }
    }

    @Test func `Restoration keeps undamaged events after repaired ones`() async throws {
        let (storage, events) = try short()
        let whole = try storage.contents()
        try storage.damage(events[1])
        let error = await #expect(throws: DaybookError.self) {
            try await restore(storage, from: archive(events.prefix(1)))
        }
        #expect(error?.description.contains("position 2;") == true)
        let restored = try await restore(storage, from: archive(events.prefix(2)))
        #expect(restored.head == 6 && restored.segments.map(\.archived) == [1])
        let name = try #require(restored.segments.first).name
        #expect(try storage.contents()[name] == whole[name])
    }

    @Test func `Restoration repairs a torn append only if the archive has it`() async throws {
        let (storage, events) = try short()
        try storage.damage(events[4])
        // Without the manifest nothing shows that the event was acknowledged. It is not archived.
        try storage.remove(LogManifest.name)
        let restored = try await restore(storage, from: archive(events.prefix(3)))
        #expect(restored.segments.isEmpty && !restored.isEndUnknown)
        #expect(try open(storage.crashed { true }).head == 4)
        // An archived event was acknowledged.
        let more = try await restore(storage, from: archive(events.prefix(5)))
        #expect(more.head == 6 && more.segments.map(\.archived) == [1])
        #expect(try open(storage).all().map(\.id) == events.map(\.id))
    }
}

@Suite(.mayBlock) struct `Interrupted restoration` {
    enum Loss: CaseIterable { case all, damage, ends }

    @Test(arguments: Loss.allCases)
    func `Interrupted restoration leaves no partial log and can be repeated`(
        loss: Loss
    ) async throws {
        let original = try Original()
        func lossy() throws -> FaultyStorage {
            let disk = loss == .all ? FaultyStorage() : original.copy()
            switch loss {
            case .all: break
            case .damage:
                for index in [5, 6, 30] { try disk.damage(original.events[index]) }
                try disk.remove(original.segments[2])
            case .ends:
                try disk.remove(original.segments[0])
                for name in original.segments.suffix(2) { try disk.remove(name) }
            }
            return disk
        }
        let whole = try lossy()
        let before = whole.changes
        try await restore(whole, from: original.archive())
        #expect(whole.changes - before > 8)
        var random = SplitMix(state: 11)
        for crash in 0..<whole.changes - before {
            let disk = try lossy()
            disk.changesLeft = crash
            await #expect(throws: LogError.self) {
                _ = try await LogRestoration(
                    of: disk, from: original.archive(), segmentBytes: 4096, newSalt: salt)
            }
            let after = disk.crashed { Bool.random(using: &random) }
            if let log = try? open(after.crashed { true }), let events = try? log.all() {
                let isNone = loss == .all && events.isEmpty
                #expect(isNone || events.map(\.id) == original.events.map(\.id), "\(crash)")
            }
            try await restore(after, from: original.archive())
            // Opening the log creates the indexes if only they are missing.
            var log = try open(after)
            try log.close()
            #expect(try after.contents() == original.storage.contents(), "\(crash)")
        }
    }
}
