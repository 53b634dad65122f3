import EventArchive
import EventSourcing
import ObjectStorage
import Testing

@Suite struct `Archive manifests` {
    private let storage = MemoryObjectStorage()

    @Test func `Changed, truncated or missing manifest is reported`() async throws {
        _ = try await archived(storage, through: 40)
        let key = "a/manifest.jsonl"
        let whole = try storage.get(key)
        for offset in whole.indices {
            try storage.flip(key, at: offset)
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
        #expect(storage.list("").contains("a/\(newest)"))
        try await again.append(try matching(21...60))
        try await again.seal()
        try await expectArchive(storage, holds: try matching(1...60))
    }

    @Test func `Archive of a later version is rejected with its version number`() async throws {
        try storage.put(
            Array("{\"format\":2,\"what\":[]}\n{\"more\":true}\n".utf8), at: "a/manifest.jsonl")
        let error = await #expect(throws: ArchiveError.self) {
            try await ArchiveReader(in: storage, name: "a")
        }
        #expect(error == .unknownVersion(object: "a/manifest.jsonl", 2))
        #expect(
            "\(try #require(error))"
                == "a/manifest.jsonl has format version 2; this program reads 1")
    }
}
