import EventArchive
import EventSourcing
import ObjectStorage
import Testing

@Suite struct `Archive writer` {
    private let storage = MemoryObjectStorage()

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
        #expect(!storage.list("").contains("a/\(segments[0].name)"))
        #expect(try await writer.expire(before: time(1000)).count == segments.count - 2)
        try await expectArchive(storage, holds: [])
        #expect(storage.list("") == ["a/manifest.jsonl"])
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
}
