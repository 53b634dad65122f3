import EventSourcing
import Foundation
import TestSupport
import Testing

@testable import EventLog

/// Logs in every format version, as the first program with that format wrote them.
@Suite(.mayBlock) struct `Log format samples` {
    private static let samples = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Samples")

    /// Runs `body` on a copy of the sample.
    private func with(_ sample: String, _ body: (FileStorage) throws -> Void) throws {
        let folder = NSTemporaryDirectory() + "daybook-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.copyItem(
            atPath: Self.samples.appending(path: sample).path, toPath: folder)
        try body(FileStorage(folder: folder))
    }

    /// The first sample has no chain and was closed. The others have indexes, chains and an open
    /// segment of several commits, and were not closed.
    @Test(arguments: ["version-1", "segment-version-1", "segment-version-2"])
    func `Log of every format version is read and continued`(sample: String) throws {
        try with(sample) { storage in
            #expect(try LogVerification(of: storage).faults.isEmpty)
            var log = try open(storage)
            let events = try log.all()
            #expect(events.map(\.position) == Array(1...60))
            #expect(events.map(\.id.low) == Array(1...60))
            #expect(events[41].stream.description == "c0-2" && events[41].revision == 5)
            #expect(log.sealed.segments.count >= 3)
            if sample != "version-1" {
                #expect(try log.chainHead() == chained(FaultyStorage()).chainHead())
                #expect(try log.all(.tags(["n:7"])).map(\.position) == [7])
            }
            // New events go into segments of the current version.
            let bases = [log.open.base]
            for number in 61...80 { try log.stage([event(number, stream: "c0-2")]) }
            try log.commit()
            #expect(log.open.header.salt != 0 && log.open.base > bases[0])
            let again = try open(storage.copy())
            #expect(try again.all().prefix(60).map(\.bytes) == events.map(\.bytes))
            #expect(try again.all().last?.revision == 27)
            #expect(try LogVerification(of: storage.copy()).faults.isEmpty)
        }
    }

    @Test func `Log of the current version is written byte for byte as its sample`() throws {
        let storage = FaultyStorage()
        #expect(try chained(storage, commitEvery: 2).head == 60)
        let names = try FileManager.default.contentsOfDirectory(
            atPath: Self.samples.appending(path: "segment-version-2").path)
        #expect(names.sorted() == storage.names().filter { !$0.hasSuffix(".new") })
        for name in names {
            let bytes = try storage.read(name, at: 0, count: try storage.size(of: name))
            let kept = try Data(
                contentsOf: Self.samples.appending(path: "segment-version-2/\(name)"))
            #expect(Array(kept) == bytes, "\(name)")
        }
    }
}

extension LogStorage {
    /// A copy of the files in memory.
    fileprivate func copy() throws -> FaultyStorage {
        let copy = FaultyStorage()
        for name in try names() {
            let bytes = try read(name, at: 0, count: try size(of: name))
            try copy.create(name, size: bytes.count)
            try copy.write(name, bytes.span, at: 0)
        }
        return copy
    }
}
