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
        let start = log.open.end - log.group.count
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

@Suite struct `Bytes of zero` {
    private func isZero(_ bytes: [UInt8]) -> Bool { bytes.span.isZero }

    @Test(arguments: [0, 1, 2, 7, 8, 9, 4096])
    func `Bytes are zero unless one is not`(count: Int) {
        var bytes = [UInt8](repeating: 0, count: count)
        #expect(isZero(bytes))
        for index in bytes.indices {
            bytes[index] = 1
            #expect(!isZero(bytes))
            bytes[index] = 0
        }
    }
}
