import EventArchive
import EventSourcing
import ObjectStorage
import Testing

@Suite struct `Archive segments` {
    private let storage = MemoryObjectStorage()

    @Test func `Changed byte anywhere in a segment is reported`() async throws {
        let manifest = try await archived(storage, through: 40).manifest
        let segment = manifest.segments[1]
        let key = manifest.key(of: segment)
        let reader = try await ArchiveReader(in: storage, name: "a")
        let size = try storage.get(key).count
        for offset in 0..<size {
            try storage.flip(key, at: offset)
            let damage = try await reader.verify()
            #expect(damage.count == 1, "byte \(offset)")
            guard case .damaged(key, let validThrough, segment.through, _) = damage.first else {
                Issue.record("byte \(offset): \(damage)")
                continue
            }
            #expect((segment.from - 1...segment.last).contains(validThrough))
            try storage.flip(key, at: offset)
        }
        #expect(try await reader.verify().isEmpty)
    }

    @Test func `Truncated, extended, missing or replaced segment is reported`() async throws {
        let manifest = try await archived(storage).manifest
        let keys = manifest.segments.map { manifest.key(of: $0) }
        let whole = try storage.get(keys[0])
        try storage.delete(keys[1])
        try storage.put(try storage.get(keys[3]), at: keys[2])
        try storage.put([], at: keys[3])
        let reader = try await ArchiveReader(in: storage, name: "a")
        let damage = try await reader.verify()
        #expect(
            damage.map { "\($0)".split(separator: ": ").last } == [
                "it is missing", "its header differs from the manifest",
                "its header is invalid",
            ])
        for count in stride(from: 0, to: whole.count, by: 7) {
            try storage.put(Array(whole[..<count]), at: keys[0])
            #expect(try await reader.verify().count == 4)
        }
        try storage.put(whole + [0], at: keys[0])
        #expect(try await reader.verify().count == 4)
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
}
