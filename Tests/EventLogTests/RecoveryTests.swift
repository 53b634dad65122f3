import EventSourcing
import TestSupport
import Testing

@testable import EventLog

/// The log tells its own records from event data that imitates them.
@Suite(.mayBlock) struct `Record recognition` {
    /// Event data from a client that has copied logs: records of another log, some of which begin a
    /// commit, and this log's segment as it is on disk.
    private func disguises(_ storage: FaultyStorage) throws -> [[UInt8]] {
        let other = FaultyStorage()
        var log = try EventLog(
            in: other, segmentBytes: 1 << 16, newID: EventID(high: 9, low: 9), newSalt: 77,
            now: clock)
        for number in 1...12 {
            try log.stage([event(number)])
            try log.commit()
        }
        let stored = try storage.read(storage.names()[0], at: 64, count: 1_000)
        let archived = try log.all().map { Array($0.bytes) }
        return [archived.flatMap(\.self), stored]
            + archived.map { record in Array(repeatElement(record, count: 6).joined()) }
    }

    /// A log of three commits and, after them, an unacknowledged event with the data. The record of
    /// that event is damaged at its front.
    private func torn(_ data: [UInt8], alignedBy padding: Int) throws -> FaultyStorage {
        let storage = FaultyStorage()
        var log = try EventLog(
            in: storage, segmentBytes: 1 << 14, newID: EventID(high: 1, low: 2), newSalt: salt,
            now: clock)
        for number in 1...3 {
            try log.stage([event(number)])
            try log.commit()
        }
        var new = try event(4)
        new.data = [UInt8](repeating: 0, count: padding) + data
        try log.stage([new])
        let start = (log.open?.end ?? 0) - log.group.count
        storage.changesLeft = 1
        #expect(throws: LogError.self) { try log.commit() }
        let disk = storage.crashed { true }
        disk.flip(disk.names()[0], at: start + RecordLayout.length)
        return disk
    }

    @Test func `Data that looks like records is cut off with its torn append`() throws {
        let storage = FaultyStorage()
        _ = try chained(storage, segmentBytes: 1 << 14).head
        for data in try disguises(storage) {
            for padding in 0..<8 {
                let disk = try torn(data, alignedBy: padding)
                #expect(try LogVerification(of: disk).faults.isEmpty)
                #expect(try open(disk).head == 3)
                #expect(try open(disk).all().map(\.position) == [1, 2, 3])
            }
        }
    }

    @Test func `Restoration does not mistake a damaged event's data for records`() async throws {
        for data in try disguises(FaultyStorage.ofThree()) {
            for padding in 0..<8 {
                let storage = FaultyStorage()
                var log = try open(storage)
                var new = try event(1)
                new.data = [UInt8](repeating: 0, count: padding) + data
                try log.stage([new])
                try log.stage([event(2)])
                try log.commit()
                let events = try log.all()
                try log.close()
                storage.flip(storage.names()[0], at: 64 + RecordLayout.length)
                let archive = ArchivedLog(of: log.id, through: 1) { _ in
                    AsyncStream { continuation in
                        continuation.yield(events[0])
                        continuation.finish()
                    }
                }
                let restored = try await LogRestoration(
                    of: storage, from: archive, segmentBytes: 4096)
                #expect(restored.segments.map(\.archived) == [1] && restored.head == 2)
                #expect(try open(storage).all().map(\.bytes) == events.map(\.bytes))
            }
        }
    }

    @Test func `Record is not valid in another place, segment or log`() throws {
        let storage = FaultyStorage()
        let log = try chained(storage)
        let names = storage.names().filter { $0.hasSuffix(".segment") }
        let bytes = try storage.read(names[1], at: 0, count: 4096)
        let header = try SegmentHeader(bytes.span, of: names[1])
        let here = try wholeRecords(of: bytes, in: names[1])
        #expect(here.count > 10)
        // The same bytes as if they belonged to the first segment or to another log.
        for binding in [
            SegmentBinding(log: log.id, salt: salt, base: 1),
            SegmentBinding(log: log.id, salt: salt + 1, base: header.base),
            SegmentBinding(log: EventID(high: 1, low: 3), salt: salt, base: header.base),
            SegmentBinding(log: log.id, salt: 0, base: header.base),
        ] {
            #expect(SegmentScan.wholeRecords(of: bytes.span, in: 1..<1000, binding).isEmpty)
        }
        let place = here[0].place
        let moved = bytes[..<64] + bytes[place] + bytes[place]
        #expect(try wholeRecords(of: Array(moved), in: names[1]).count == 1)
    }
}

extension FaultyStorage {
    fileprivate static func ofThree() throws -> FaultyStorage {
        let storage = FaultyStorage()
        var log = try open(storage)
        for number in 1...3 { try log.stage([event(number)]) }
        try log.commit()
        return storage
    }
}

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
