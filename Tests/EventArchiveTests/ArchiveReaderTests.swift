import EventArchive
import EventSourcing
import Foundation
import ObjectStorage
import Testing

@Suite struct `Reads of an archive` {
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
            try await reader.events(times: time(50)..<time(54)).positions() == [50, 52])
        #expect(faulty.count - opened <= 4)
        #expect(try await reader.events(from: 99, through: 99).positions() == [])
        #expect(try await reader.events(from: 101).positions() == [])
        #expect(try await reader.events(times: time(9)..<time(9)).positions() == [])
        let both = reader.events(from: 90, times: time(0)..<time(94))
        #expect(try await both.positions() == [90, 92])
    }

    @Test func `Read stops at damage, names it, and a new read continues after it`() async throws {
        let manifest = try await archived(storage).manifest
        let segment = manifest.segments[1]
        let key = manifest.key(of: segment)
        try storage.flip(key, at: try storage.get(key).count - 20)
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

    @Test func `Reader finds history by its original times`() async throws {
        let writer = try await ArchiveWriter(in: storage, name: "a", log: log, segmentBytes: 1024)
        let originals: [UInt64: Timestamp] = [20: time(3), 21: time(5), 30: time(2), 39: time(100)]
        try await writer.append(try (10...40).map { try event($0, original: originals[$0]) })
        try await writer.seal()
        let reader = try await ArchiveReader(in: storage, name: "a")
        #expect(reader.manifest.segments.count > 3)
        func found(_ times: Range<Timestamp>) async throws -> [UInt64] {
            try await reader.events(times: times).positions()
        }
        #expect(try await found(time(0)..<time(6)) == [20, 21, 30])
        #expect(try await found(time(3)..<time(4)) == [20])
        #expect(try await found(time(0)..<time(12)) == [10, 11, 20, 21, 30])
        // History is never later than its commit.
        #expect(try await found(time(39)..<time(40)) == [39])
        #expect(try await found(time(30)..<time(31)).isEmpty)
    }
}
