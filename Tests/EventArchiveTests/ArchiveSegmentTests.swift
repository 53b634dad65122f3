import Bytes
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

    @Test func `Segment that declares more than 8 MiB is rejected before it is inflated`()
        async throws
    {
        let manifest = try await archived(storage, through: 40).manifest
        let first = manifest.segments[0]
        let huge: UInt32 = 2 << 30
        // A forged manifest, whose checksums are right.
        let key = "a/manifest.jsonl"
        let text = String(decoding: try storage.get(key), as: UTF8.self)
        let lines = text.split(separator: "\n").map(String.init)
        var forged = lines.dropLast().map { line in
            line.replacing("\"bytes\":\(first.bytes),", with: "\"bytes\":\(huge),") + "\n"
        }.joined()
        let sum = CRC32C.checksum(Array(forged.utf8).span)
        forged += "{\"crc32c\":\(sum)}\n"
        try storage.put(Array(forged.utf8), at: key)
        let segment = manifest.key(of: first)
        var object = try storage.get(segment)
        object.set(huge, at: 92)
        object.set(CRC32C.checksum(object.span.extracting(0..<124)), at: 124)
        try storage.put(object, at: segment)

        let reader = try await ArchiveReader(in: storage, name: "a")
        #expect(reader.manifest.segments[0].bytes == huge)
        let damage = try #require(try await reader.verify().first)
        #expect("\(damage)".contains("declares records of 2147483648 bytes"), "\(damage)")
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

extension [UInt8] {
    /// Writes a little-endian integer.
    fileprivate mutating func set(_ value: UInt32, at offset: Int) {
        for byte in 0..<4 { self[offset + byte] = UInt8(truncatingIfNeeded: value >> (8 * byte)) }
    }
}
