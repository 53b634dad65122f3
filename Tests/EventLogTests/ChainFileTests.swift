import Dispatch
import EventSourcing
import Foundation
import TestSupport
import Testing

@testable import EventLog

/// A log of sixty events in appends of one to three events, with `commitEvery` appends per commit.
func chained(
    _ storage: any LogStorage, segmentBytes: Int = 4096, commitEvery: Int = 1,
    background: @escaping Background = { $0() }
) throws -> EventLog {
    var log = try EventLog(
        in: storage, segmentBytes: segmentBytes, newID: EventID(high: 1, low: 2),
        newSalt: salt, background: background, now: clock)
    var appends = 0
    for first in stride(from: 1, through: 60, by: 6) {
        for numbers in [first...first, first + 1...first + 2, first + 3...first + 5] {
            try log.stage(
                numbers.map { number in
                    try event(
                        number, stream: "c\(number % 2)-\(number % 8)", tags: ["n:\(number)"],
                        text: String(repeating: "x", count: number % 7 * 30))
                })
            appends += 1
            if appends.isMultiple(of: commitEvery) { try log.commit() }
        }
    }
    try log.commit()
    return log
}

extension EventLog {
    func chainHead(after known: ChainPoint? = nil) throws -> ChainPoint {
        let reader = chainReader
        var point = try reader.start(after: known)
        while point.position < reader.head { point = try reader.next(after: point) }
        return point
    }
}

extension LogStorage {
    /// The log's chain. Expects that verification finds no fault.
    func chain(_ heads: [ChainPoint] = []) throws -> ChainVerification {
        let found = try LogVerification(of: self)
        #expect(found.faults.isEmpty)
        let chain = try ChainVerification(of: self, found, heads: heads)
        #expect(chain.fault == nil)
        return chain
    }

    func contents(suffix: String) throws -> [String: [UInt8]] {
        var contents: [String: [UInt8]] = [:]
        for name in try names() where name.hasSuffix(suffix) {
            contents[name] = try read(name, at: 0, count: try size(of: name))
        }
        return contents
    }
}

@Suite(.mayBlock) struct `Log chain` {
    /// The head that examples/python/verify_chain.py computes for the same log.
    private let head =
        "60:3c32b06df782479899fd8776947c66d643c740b5200db0025ab8de91053e0e5d"
    private let samples = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Samples")

    @Test func `Chain head does not depend on the sizes of commits and segments`() throws {
        var heads: Set<ChainPoint> = []
        for segmentBytes in [2048, 4096, 1 << 16] {
            for commitEvery in [1, 2, 100] {
                let storage = FaultyStorage()
                let log = try chained(
                    storage, segmentBytes: segmentBytes, commitEvery: commitEvery)
                let openBase = log.open.base
                heads.insert(try log.chainHead())
                let chain = try storage.chain()
                heads.insert(chain.head)
                // Only the open segment has no links yet.
                #expect(chain.linked + 1 == openBase)
            }
        }
        #expect(heads.count == 1 && heads.first?.position == 60)
    }

    @Test func `Chain head depends on the log's id and on every event`() throws {
        let empty = try open(FaultyStorage()).chainHead()
        #expect(empty == ChainPoint(startOf: EventID(high: 1, low: 2)))
        #expect(empty.hash != ChainPoint(startOf: EventID(high: 1, low: 3)).hash)
        var log = try open(FaultyStorage())
        var seen: Set<ChainHash> = [empty.hash]
        for number in 1...20 {
            try log.stage([event(number)])
            try log.commit()
            #expect(seen.insert(try log.chainHead().hash).inserted)
        }
    }

    @Test func `Chain head covers committed events and continues from a known point`() throws {
        var log = try chained(FaultyStorage())
        let before = try log.chainHead()
        let reader = log.chainReader
        try log.stage([event(61)])
        #expect(try log.chainHead() == before && log.chainReader.head == 60)
        #expect(log.chainReader.time == Timestamp(microseconds: 1_059))
        // These events also cross the end of a segment.
        for number in 62...80 {
            try log.stage([event(number)])
            try log.commit()
        }
        let after = try log.chainHead()
        #expect(after.position == 80)
        #expect(try log.chainHead(after: before) == after)
        #expect(try log.chainHead(after: ChainPoint(startOf: log.id)) == after)
        #expect(try reader.next(after: reader.start(after: before)) == before)
    }

    @Test func `Chain head is available while another thread writes chain files`() throws {
        let folder = NSTemporaryDirectory() + "daybook-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let queue = DispatchQueue(label: "background")
        let gate = DispatchSemaphore(value: 0)
        queue.async { gate.wait() }
        let background: Background = { queue.async(execute: $0) }
        let expected = try chained(FaultyStorage()).chainHead()
        do {
            var log = try chained(FileStorage(folder: folder), background: background)
            #expect(log.sealed.segments.isEmpty)
            #expect(try log.chainHead() == expected)
            gate.signal()
            try log.close()
        }
        let storage = try FileStorage(folder: folder)
        var log = try EventLog(
            in: storage, segmentBytes: 4096, background: background, now: clock)
        #expect(try log.chainHead() == expected)
        queue.sync {}
        try log.close()
    }

    @Test func `Missing chain files are recreated byte for byte`() throws {
        let storage = FaultyStorage()
        let head = try chained(storage).chainHead()
        let before = try storage.contents(suffix: ".chain")
        #expect(before.count >= 3)
        let names = before.keys.sorted()
        for gone in 1..<1 << names.count {
            let disk = storage.crashed { true }
            for (index, name) in names.enumerated() where gone & 1 << index != 0 {
                try disk.remove(name)
            }
            #expect(try disk.chain().head == head)
            #expect(try open(disk).chainHead() == head)
            #expect(try disk.contents(suffix: ".chain") == before)
        }
    }

    @Test func `Chain is complete after a crash at any change`() throws {
        let rehearsal = FaultyStorage()
        #expect(try chained(rehearsal).head == 60)
        for crash in 0..<rehearsal.changes {
            let storage = FaultyStorage()
            storage.changesLeft = crash
            #expect(throws: (any Error).self) { _ = try chained(storage).head }
            let disk = storage.crashed { false }
            let log = try open(disk)
            guard disk.names().contains(where: { $0.hasSuffix(".segment") }) else { continue }
            let (head, sealed) = (try log.chainHead(), log.open.base - 1)
            let chain = try disk.chain()
            #expect(chain.head == head && chain.linked == sealed, "crash at change \(crash)")
        }
    }

    @Test func `Opening a log of version 1 creates its chain files`() throws {
        let folder = NSTemporaryDirectory() + "daybook-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.copyItem(
            atPath: samples.appending(path: "version-1").path, toPath: folder)
        let storage = try FileStorage(folder: folder)
        #expect(try storage.chain().head.description == head && storage.chain().linked == 0)
        let log = try open(storage)
        #expect(try log.chainHead().description == head)
        let sealed = log.sealed.segments.last
        #expect(try storage.chain().linked + 1 == sealed?.nextPosition)
        // The files of format version 1, kept as they were first written.
        let sample = samples.appending(path: "chain-version-1")
        let names = try FileManager.default.contentsOfDirectory(atPath: sample.path).sorted()
        let written = try storage.contents(suffix: ".chain")
        #expect(names == written.keys.sorted() && names.count == 3)
        for name in names {
            let kept = try Data(contentsOf: sample.appending(path: name))
            #expect(written[name] == Array(kept), "\(name)")
        }
    }

    @Test func `Restored log has the chain of the archived log`() async throws {
        let original = try chained(FaultyStorage())
        let (events, head) = (try original.all(), try original.chainHead())
        for segmentBytes in [2048, 4096, 1 << 16] {
            let storage = FaultyStorage()
            let archive = ArchivedLog(of: original.id, through: 60) { positions in
                AsyncStream { continuation in
                    for event in events where positions.contains(event.position) {
                        continuation.yield(event)
                    }
                    continuation.finish()
                }
            }
            _ = try await LogRestoration(of: storage, from: archive, segmentBytes: segmentBytes)
            let chain = try storage.chain([head])
            #expect(chain.head == head && chain.passed == [head])
            let last = try #require(storage.names().last { $0.hasSuffix(".segment") })
            #expect(chain.linked + 1 == SegmentHeader.base(ofName: last))
        }
    }
}
