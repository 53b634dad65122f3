import EventArchive
import EventSourcing
import ObjectStorage
import TestSupport
import Testing

@Suite(.mayBlock) struct `Archive on failing storage` {
    private static let head: UInt64 = 60

    /// Archives as the event store does: resumes after the checkpoint, appends batch by batch up to
    /// the head and expires the oldest segments meanwhile.
    private func work(_ storage: any ObjectStorage) async throws {
        let writer = try await ArchiveWriter(in: storage, name: "a", log: log, segmentBytes: 1500)
        while writer.position < Self.head {
            let next = writer.position + 1
            let end = min(next + 6, Self.head)
            try await writer.append(try matching(next...end), through: end)
            if end.isMultiple(of: 3) { try await writer.seal() }
            if end > 40 { try await writer.expire(before: time(11)) }
        }
        try await writer.seal()
    }

    /// Expects all events except those of segments whose last event is older than the eleventh.
    private func expectAll(_ storage: MemoryObjectStorage) async throws {
        let reader = try await ArchiveReader(in: storage, name: "a")
        #expect(reader.manifest.checkpoint == Self.head)
        #expect((2...12).contains(reader.manifest.from))
        try await expectArchive(storage, holds: try matching(reader.manifest.from...Self.head))
        // No object is left that the manifest does not list.
        let names = reader.manifest.segments.map { "a/\($0.name)" } + ["a/manifest.jsonl"]
        #expect(storage.list("").sorted() == names.sorted())
    }

    @Test(arguments: FaultyStorage.Fault.allCases)
    private func `Archive is complete when it resumes after a crash at any call`(
        fault: FaultyStorage.Fault
    ) async throws {
        var call = 0
        while true {
            let storage = MemoryObjectStorage()
            let faulty = FaultyStorage(storage, fault, at: call, isLasting: true)
            do {
                try await work(faulty)
                break
            } catch {
                #expect(error as? ArchiveError == .storage(.unavailable("injected")))
            }
            // A reader finds every event up to the checkpoint, and none twice.
            if let reader = try? await ArchiveReader(in: storage, name: "a"), call > 1 {
                let checkpoint = reader.manifest.checkpoint
                if reader.manifest.from <= checkpoint {
                    try await expectArchive(
                        storage, holds: try matching(reader.manifest.from...checkpoint))
                }
            }
            try await work(storage)
            try await finish(storage)
            call += 1
        }
        #expect(call > 20)
    }

    @Test(arguments: FaultyStorage.Fault.allCases)
    private func `Archive is complete after two crashes`(fault: FaultyStorage.Fault) async throws {
        for first in 2..<20 {
            for second in 0..<12 {
                let storage = MemoryObjectStorage()
                for call in [first, second] {
                    let faulty = FaultyStorage(storage, fault, at: call, isLasting: true)
                    // The second run may have so little left to do that it ends before its crash.
                    do { try await work(faulty) } catch {
                        #expect(error as? ArchiveError == .storage(.unavailable("injected")))
                    }
                }
                try await work(storage)
                try await finish(storage)
            }
        }
    }

    /// Opens the archive again, because that removes what the last crash may have left.
    private func finish(_ storage: MemoryObjectStorage) async throws {
        let writer = try await ArchiveWriter(in: storage, name: "a", log: log)
        try await writer.expire(before: time(11))
        try await expectAll(storage)
    }

    @Test(arguments: FaultyStorage.Fault.allCases)
    private func `Writer continues after a storage error and loses nothing`(
        fault: FaultyStorage.Fault
    ) async throws {
        var call = 3
        while true {
            let storage = MemoryObjectStorage()
            let faulty = FaultyStorage(storage, fault, at: call, isLasting: false)
            let writer = try await ArchiveWriter(
                in: faulty, name: "a", log: log, segmentBytes: 1500)
            var failures = 0
            while writer.checkpoint < Self.head {
                do {
                    let next = writer.position + 1
                    if next <= Self.head {
                        let end = min(next + 6, Self.head)
                        try await writer.append(try matching(next...end), through: end)
                    }
                    try await writer.seal()
                } catch {
                    failures += 1
                }
            }
            try await expectArchive(storage, holds: try matching(1...Self.head))
            guard failures == 1 else { break }
            call += 1
        }
        #expect(call > 15)
    }
}
