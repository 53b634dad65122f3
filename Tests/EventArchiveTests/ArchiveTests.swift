import EventArchive
import EventSourcing
import ObjectStorage
import Testing

@Suite struct `Event archive` {
    private let storage = MemoryObjectStorage()

    @Test func `Archive returns its events from segments without gaps`() async throws {
        let writer = try await archived(storage)
        let manifest = writer.manifest
        #expect(manifest.segments.count > 3 && manifest.checkpoint == 100)
        #expect(manifest.segments.first?.from == 1 && manifest.segments.last?.through == 100)
        #expect(manifest.segments.allSatisfy { $0.bytes <= 3000 && $0.storedBytes < $0.bytes })
        try await expectArchive(storage, holds: try matching(1...100))
        #expect(try await ArchiveReader(in: storage, name: "a").manifest == manifest)
    }

    @Test func `Read by positions or times fetches only the matching segments`() async throws {
        _ = try await archived(storage)
        let faulty = FaultyStorage(storage, at: .max, isLasting: false)
        let reader = try await ArchiveReader(in: faulty, name: "a")
        let opened = faulty.count
        #expect(try await reader.events(from: 31, through: 36).positions() == [32, 34, 36])
        #expect(
            try await reader.events(since: time(50), until: time(54)).positions() == [50, 52])
        #expect(faulty.count - opened <= 4)
        #expect(try await reader.events(from: 99, through: 99).positions() == [])
        #expect(try await reader.events(from: 101).positions() == [])
        #expect(try await reader.events(since: time(9), until: time(3)).positions() == [])
        let both = reader.events(from: 90, times: time(0)..<time(94))
        #expect(try await both.positions() == [90, 92])
    }

    @Test func `Archive ignores events that it already has`() async throws {
        let writer = try await archived(storage, through: 20)
        try await writer.append(try matching(1...24))
        try await writer.append(try matching(21...24), through: 30)
        try await writer.seal()
        #expect(writer.checkpoint == 30)
        try await expectArchive(storage, holds: try matching(1...24))
        let again = try await ArchiveWriter(in: storage, name: "a", log: log)
        #expect(again.position == 30 && again.checkpoint == 30)
    }

    @Test func `Checkpoint moves past events that the archive does not take`() async throws {
        let writer = try await archived(storage, through: 10)
        let version = writer.manifest.version
        try await writer.append([], through: 500)
        #expect(writer.position == 500 && writer.checkpoint == 10)
        try await writer.seal()
        try await writer.seal()
        #expect(writer.checkpoint == 500 && writer.manifest.version == version + 1)
        try await writer.append([try event(600)])
        try await writer.seal()
        let last = try #require(writer.manifest.segments.last)
        #expect(last.from == 11 && last.through == 600 && last.first == 600)
        try await expectArchive(storage, holds: try matching(1...10) + [try event(600)])
    }

    @Test func `Archive may be empty and may begin after position 1`() async throws {
        let writer = try await ArchiveWriter(in: storage, name: "a", log: log, from: 1000)
        #expect(writer.checkpoint == 999)
        try await expectArchive(storage, holds: [])
        try await writer.append([try event(998), try event(1000)])
        try await writer.seal()
        try await expectArchive(storage, holds: [try event(1000)])
    }

    @Test func `Archive keeps events that are incompressible or exceed a segment`() async throws {
        var generator = SystemRandomNumberGenerator()
        let noise = String(
            decoding: (0..<9000).map { _ in UInt8.random(in: 33...126, using: &generator) },
            as: UTF8.self)
        let events = [try event(1), try event(2, text: noise), try event(3)]
        let writer = try await ArchiveWriter(in: storage, name: "a", log: log, segmentBytes: 1024)
        try await writer.append(events)
        try await writer.seal()
        #expect(writer.manifest.segments.map(\.events) == [1, 1, 1])
        try await expectArchive(storage, holds: events)
    }

    @Test func `Damaged event is rejected and the events before it are archived`() async throws {
        var bytes = Array(try event(2).bytes)
        bytes[120] ^= 1
        let writer = try await ArchiveWriter(in: storage, name: "a", log: log)
        let damaged = try RecordedEvent(bytes[...])
        let error = await #expect(throws: ArchiveError.self) {
            try await writer.append([try event(1), damaged, try event(3)])
        }
        #expect("\(try #require(error))".hasPrefix("the event at position 2 can't be archived: "))
        try await writer.seal()
        #expect(writer.checkpoint == 1)
        try await expectArchive(storage, holds: [try event(1)])
    }

    @Test func `Expiry removes only whole segments and keeps the checkpoint`() async throws {
        let writer = try await archived(storage)
        let segments = writer.manifest.segments
        #expect(try await writer.expire(before: time(0)).isEmpty)
        let middle = time(segments[2].last)
        #expect(try await writer.expire(before: middle) == Array(segments[..<2]))
        #expect(writer.manifest.from == segments[2].from)
        try await expectArchive(storage, holds: try matching(segments[2].from...100))
        #expect(try storage.size(of: "a/\(segments[0].name)") == nil)
        #expect(try await writer.expire(before: time(1000)).count == segments.count - 2)
        try await expectArchive(storage, holds: [])
        #expect(storage.list("").map(\.key) == ["a/manifest.jsonl"])
        let again = try await ArchiveWriter(in: storage, name: "a", log: log)
        #expect(again.checkpoint == 100)
        try await again.append(try matching(101...110))
        try await again.seal()
        try await expectArchive(storage, holds: try matching(101...110))
    }

    @Test func `Archives in the same place do not affect each other`() async throws {
        _ = try await archived(storage, through: 20)
        let other = try await ArchiveWriter(in: storage, name: "a2", log: log)
        try await other.append([try event(1)])
        try await other.seal()
        try await other.expire(before: time(1000))
        try await expectArchive(storage, holds: try matching(1...20))
    }

    @Test func `Another log, an unknown archive and an invalid name are rejected`() async throws {
        _ = try await archived(storage)
        let stranger = EventID(high: 9, low: 9)
        await #expect(throws: ArchiveError.otherLog(archive: "a", of: log, asked: stranger)) {
            try await ArchiveWriter(in: storage, name: "a", log: stranger)
        }
        await #expect(throws: ArchiveError.noArchive("b")) {
            try await ArchiveReader(in: storage, name: "b")
        }
        for name in ["", ".a", "a/b", "ä", String(repeating: "a", count: 65)] {
            await #expect(throws: ArchiveError.invalidName(name)) {
                try await ArchiveReader(in: storage, name: name)
            }
        }
    }

    @Test func `Archive in a folder returns its events`() async throws {
        let folder = TemporaryFolder()
        let objects = try FolderObjectStorage(folder: folder.path)
        _ = try await archived(objects)
        try await expectArchive(objects, holds: try matching(1...100))
    }
}
