import EventSourcing
import TestSupport
import Testing

@testable import EventLog

@Suite(.mayBlock) struct `Detection of lost log files` {
    private let original = FaultyStorage()
    private let segments: [String]
    private let bases: [UInt64]

    init() throws {
        _ = try chained(original).head
        segments = original.names().filter { $0.hasSuffix(".segment") }
        bases = segments.compactMap(SegmentHeader.base(ofName:))
        #expect(bases.count == 4)
    }

    /// The faults that opening and verifying the log report.
    private func faults(_ storage: FaultyStorage) throws -> (opening: LogError?, all: [LogError]) {
        let before = try storage.contents(suffix: "")
        let opening = #expect(throws: LogError.self) { _ = try open(storage).head }
        let all = try LogVerification(of: storage).faults
        // A log that does not open keeps all files except unfinished ones.
        let after = try storage.contents(suffix: "")
        #expect(after == before.filter { !$0.key.hasSuffix(".new") } || after == before)
        return (opening, all)
    }

    @Test func `Log reports that its last segment is missing`() throws {
        let disk = original.crashed { true }
        try disk.remove(segments[3])
        let expected = LogError.missingEnd(segment: segments[3], from: bases[3])
        let found = try faults(disk)
        #expect(found.opening == expected && found.all == [expected])
        #expect(expected.description.hasPrefix("\(segments[3]) is missing, and with it the events"))
    }

    @Test func `Log reports that all its segments are missing`() throws {
        let disk = original.crashed { true }
        for name in segments { try disk.remove(name) }
        let expected = LogError.missingEnd(segment: segments[0], from: 1)
        let found = try faults(disk)
        #expect(found.opening == expected && found.all == [expected])
        // A log of an earlier version has indexes but no manifest.
        try disk.remove(LogManifest.name)
        #expect(throws: expected) { _ = try open(disk).head }
    }

    @Test(arguments: 0..<3)
    func `Log reports which segment before the last one is missing`(number: Int) throws {
        let disk = original.crashed { true }
        try disk.remove(segments[number])
        let expected = LogError.missing(
            bases[number]...bases[number + 1] - 1, before: segments[number + 1])
        let found = try faults(disk)
        #expect(found.opening == expected && found.all == [expected])
    }

    @Test func `Log reports that its open segment is truncated`() throws {
        let whole = try original.read(segments[3], at: 0, count: 4096)
        let ends = try wholeRecords(of: whole, in: segments[3]).map(\.place.upperBound)
        for size in [0, 1, 63, 64, 65] + ends + ends.map({ $0 - 9 }) + [4095] {
            let disk = original.crashed { true }
            try disk.create(segments[3], size: 0)
            try disk.write(segments[3], whole.span.extracting(first: size), at: 0)
            try disk.sync(segments[3])
            let found = try faults(disk)
            guard case .damaged(segments[3], _, _, _) = found.opening else {
                Issue.record("\(size): \(String(describing: found.opening))")
                continue
            }
            #expect(found.all.first == found.opening, "\(size)")
        }
    }

    @Test func `Log reports that its open segment is an older copy`() throws {
        let whole = try original.read(segments[3], at: 0, count: 4096)
        let records = try wholeRecords(of: whole, in: segments[3])
        for (index, record) in records.enumerated() {
            let disk = original.crashed { true }
            let zeros = [UInt8](repeating: 0, count: 4096 - record.place.lowerBound)
            try disk.write(segments[3], zeros.span, at: record.place.lowerBound)
            try disk.sync(segments[3])
            let found = try faults(disk)
            #expect(found.opening?.position ?? 0 <= record.position, "\(index)")
            #expect(found.all == [found.opening], "\(index)")
        }
    }

    @Test func `Damaged manifest is reported and a missing one is recreated`() throws {
        for byte in 0..<64 {
            let disk = original.crashed { true }
            disk.flip(LogManifest.name, at: byte)
            let found = try faults(disk)
            guard case .damaged(LogManifest.name, 0, 0, _) = found.opening else {
                Issue.record("\(byte): \(String(describing: found.opening))")
                continue
            }
            #expect(found.all == [found.opening])
        }
        let disk = original.crashed { true }
        try disk.remove(LogManifest.name)
        #expect(try open(disk).head == 60)
        #expect(
            try disk.contents(suffix: LogManifest.name)
                == original.contents(suffix: LogManifest.name))
    }

    @Test func `Manifest records no position beyond the flushed events`() throws {
        let storage = FaultyStorage()
        var log = try open(storage, durability: .interval)
        for number in 1...10 {
            try log.stage([event(number)])
            try log.commit()
            if number == 6 { try log.flush() }
        }
        #expect(try LogManifest.read(from: storage)?.durable == 6)
        // Unsynced writes may survive or be lost.
        for survives in [true, false] {
            #expect((6...10).contains(try open(storage.crashed { survives }).head))
        }
    }

    @Test func `Log that lost a segment opens after restoration from an archive`() async throws {
        let log = try open(original.crashed { true })
        let events = try log.all()
        for through in [bases[3] - 1, 50, 60] {
            let disk = original.crashed { true }
            try disk.remove(segments[3])
            let archive = ArchivedLog(of: log.id, through: through) { positions in
                AsyncStream { continuation in
                    for event in events where positions.contains(event.position) {
                        continuation.yield(event)
                    }
                    continuation.finish()
                }
            }
            let restored = try await LogRestoration(
                of: disk, from: archive, segmentBytes: 4096)
            #expect(restored.head <= through && restored.head + 3 > through)
            #expect(restored.lost == (restored.head < 60 ? restored.head + 1...60 : nil))
            #expect(try LogVerification(of: disk).faults.isEmpty)
            #expect(try open(disk).head == restored.head)
        }
    }
}
