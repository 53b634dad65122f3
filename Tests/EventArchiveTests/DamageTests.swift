import EventArchive
import EventSourcing
import ObjectStorage
import Testing

@Suite struct `Archive damage` {
    private let storage = MemoryObjectStorage()

    private func flip(_ key: String, at offset: Int) throws {
        var bytes = try storage.get(key)
        bytes[offset] ^= 0x20
        try storage.put(bytes, at: key)
    }

    @Test func `Changed byte anywhere in a segment is reported`() async throws {
        let manifest = try await archived(storage, through: 40).manifest
        let segment = manifest.segments[1]
        let key = manifest.key(of: segment)
        let reader = try await ArchiveReader(in: storage, name: "a")
        let size = try storage.get(key).count
        for offset in 0..<size {
            try flip(key, at: offset)
            let damage = try await reader.verify()
            #expect(damage.count == 1, "byte \(offset)")
            guard case .damaged(key, let validThrough, segment.through, _) = damage.first else {
                Issue.record("byte \(offset): \(damage)")
                continue
            }
            #expect((segment.from - 1...segment.last).contains(validThrough))
            try flip(key, at: offset)
        }
        #expect(try await reader.verify().isEmpty)
    }

    @Test func `Read stops at damage, names it, and a new read continues after it`() async throws {
        let manifest = try await archived(storage).manifest
        let segment = manifest.segments[1]
        let key = manifest.key(of: segment)
        try flip(key, at: try storage.get(key).count - 20)
        let reader = try await ArchiveReader(in: storage, name: "a")
        var given: [UInt64] = []
        let error = await #expect(throws: ArchiveError.self) {
            for try await event in reader.events() { given.append(event.position) }
        }
        guard case .damaged(key, let validThrough, let last, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(
            validThrough >= segment.from
                && given == (1...validThrough).filter { $0.isMultiple(of: 2) })
        #expect(last == segment.through)
        #expect(
            try await reader.events(from: last + 1).positions()
                == (last + 1...100).filter { $0.isMultiple(of: 2) })
        #expect(
            "\(try #require(error))".hasPrefix("\(key) is damaged after position \(validThrough), ")
        )
    }

    @Test func `Archive iterator returns no more events after an error`() async throws {
        let manifest = try await archived(storage).manifest
        try storage.delete(manifest.key(of: manifest.segments[1]))
        let reader = try await ArchiveReader(
            in: FaultyStorage(storage, at: 2, isLasting: false), name: "a")
        for wanted in [reader.events(), reader.events()] {
            var events = wanted.makeAsyncIterator()
            await #expect(throws: ArchiveError.self) {
                while try await events.next() != nil {}
            }
            #expect(try await events.next() == nil)
        }
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

    @Test func `Changed, truncated or missing manifest is reported`() async throws {
        _ = try await archived(storage, through: 40)
        let key = "a/manifest.jsonl"
        let whole = try storage.get(key)
        for offset in whole.indices {
            try flip(key, at: offset)
            let error = await #expect(throws: ArchiveError.self) {
                try await ArchiveReader(in: storage, name: "a")
            }
            #expect("\(String(describing: error))".contains(key))
            try storage.put(Array(whole[..<offset]), at: key)
            await #expect(throws: ArchiveError.self) {
                try await ArchiveWriter(in: storage, name: "a", log: log)
            }
            try storage.put(whole, at: key)
        }
        try storage.delete(key)
        await #expect(throws: ArchiveError.noManifest("a")) {
            try await ArchiveWriter(in: storage, name: "a", log: log)
        }
        #expect(storage.list("").count > 1)
    }

    @Test func `Archive with an older manifest resumes without losing events`() async throws {
        let writer = try await archived(storage, through: 20)
        let old = try storage.get("a/manifest.jsonl")
        try await writer.append(try matching(21...60))
        try await writer.seal()
        let newest = try #require(writer.manifest.segments.last?.name)
        try storage.put(old, at: "a/manifest.jsonl")
        let again = try await ArchiveWriter(in: storage, name: "a", log: log)
        #expect(again.checkpoint == 20)
        #expect(try storage.size(of: "a/\(newest)") != nil)
        try await again.append(try matching(21...60))
        try await again.seal()
        try await expectArchive(storage, holds: try matching(1...60))
    }
}
