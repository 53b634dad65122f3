import Dispatch
import EventSourcing
import Foundation
import Testing

@testable import EventLog

/// A log of sixty events in eight streams and many segments. Each event is tagged with the last
/// digit of its number.
private func filled(
    _ storage: any LogStorage, background: @escaping Background = { $0() }
) throws -> EventLog {
    var log = try EventLog(
        in: storage, segmentBytes: 4096, newID: EventID(high: 1, low: 2), newSalt: salt,
        background: background, now: clock)
    for number in 1...60 {
        try log.stage([
            event(
                number, stream: "c\(number % 2)-\(number % 8)", tags: ["digit:\(number % 10)"],
                text: String(repeating: "x", count: number % 7 * 30))
        ])
        if number.isMultiple(of: 3) { try log.commit() }
    }
    try log.commit()
    return log
}

@Suite struct `Sealed segments` {
    @Test func `Log opens sealed segments by their indexes without reading them`() throws {
        let storage = FaultyStorage()
        let log = try filled(storage)
        #expect(log.sealed.segments.count >= 3)
        let reads = storage.segmentReads
        let again = try open(storage)
        // Opening reads the header of each sealed segment and the whole open segment.
        #expect(storage.segmentReads - reads == log.sealed.segments.count + 2)
        for number in 1...60 {
            let id = EventID(high: 7, low: UInt64(number))
            #expect(try again.committedEvent(id: id)?.position == UInt64(number))
        }
        #expect(try again.committedEvent(id: EventID(high: 7, low: 61)) == nil)
    }

    @Test func `Missing or damaged index of a sealed segment is rebuilt byte for byte`() throws {
        let storage = FaultyStorage()
        let log = try filled(storage)
        let everything = try log.all().map(\.id)
        let indexes = storage.names().filter { $0.hasSuffix(".index") }
        let before = try indexes.map {
            try storage.read($0, at: 0, count: try storage.size(of: $0))
        }
        try storage.remove(indexes[0])
        storage.flip(indexes[1], at: 9)
        storage.flip(indexes[2], at: 90)
        let again = try open(storage)
        #expect(try again.all().map(\.id) == everything)
        let after = try indexes.map {
            try storage.read($0, at: 0, count: try storage.size(of: $0))
        }
        #expect(after == before)
        #expect(try LogVerification(of: storage).faults.isEmpty)
    }

    @Test func `Read fails at a damaged event and works after it`() throws {
        let storage = FaultyStorage()
        let log = try filled(storage)
        let segment = log.sealed.segments[1]
        let (name, second) = (segment.name, segment.base + 1)
        let offset = Int(try segment.offsets(of: 1...1)[0])
        storage.flip(name, at: offset + 120)
        let again = try open(storage)
        var read = LogRead(from: second)
        let damage = #expect(throws: LogError.self) { try again.read(&read) }
        #expect(damage?.position == second)
        #expect(try again.all(LogRead(from: second + 1)).count == Int(60 - second))
        let report = try LogVerification(of: storage)
        #expect(report.faults.map(\.position) == [second] && report.head == 60)
    }

    @Test func `Segment serves reads while another thread writes its index`() throws {
        let folder = NSTemporaryDirectory() + "daybook-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let queue = DispatchQueue(label: "background")
        let gate = DispatchSemaphore(value: 0)
        queue.async { gate.wait() }
        let background: Background = { queue.async(execute: $0) }
        do {
            var log = try filled(FileStorage(folder: folder), background: background)
            // No segment is sealed yet, but all events are found.
            #expect(log.sealed.segments.isEmpty && log.sealing.count >= 3)
            #expect(try log.all().count == 60)
            #expect(try log.all(isBackwards: true).count == 60)
            #expect(try log.committedEvent(id: EventID(high: 7, low: 5))?.position == 5)
            gate.signal()
            try log.close()
        }
        let log = try EventLog(
            in: FileStorage(folder: folder), segmentBytes: 4096, background: background, now: clock)
        #expect(log.sealed.segments.count >= 3)
        #expect(try log.all(.tags(["digit:7"])).map(\.position) == [7, 17, 27, 37, 47, 57])
    }

    @Test func `Filters skip most segments without a term and never one that has it`() throws {
        let log = try filled(FaultyStorage())
        var wrong = 0
        for number in 1...60 {
            let id = EventID(high: 7, low: UInt64(number))
            let holding = log.sealed.mayHold(Term(id: id))
            let home = log.sealed.segments.first {
                ($0.base..<$0.nextPosition).contains(UInt64(number))
            }
            #expect(home == nil || holding.contains { $0.base == home?.base })
            wrong += holding.count - (home == nil ? 0 : 1)
        }
        #expect(wrong < 60 * log.sealed.segments.count / 4)
    }

    @Test func `Reads by time return exactly the events in the range`() throws {
        let log = try filled(FaultyStorage())
        let all = try log.all()
        for (low, high) in [(5, 40), (0, 1), (59, 60), (20, 20)] {
            let times = all[low].time..<(high < 60 ? all[high].time : Timestamp.distantFutureTime)
            let expected = all[low..<high].map(\.position)
            #expect(try log.all(LogRead(times: times)).map(\.position) == expected)
            let backwards = try log.all(LogRead(isBackwards: true, from: .max, times: times))
            #expect(backwards.map(\.position) == expected.reversed())
        }
    }

    @Test func `Reads stay within their positions and limit in both directions`() throws {
        let log = try filled(FaultyStorage())
        var read = LogRead(from: 10, to: 25, limit: 7)
        #expect(try log.all(LogRead(from: 10, to: 25)).map(\.position) == Array(10...25))
        #expect(try log.all(read).map(\.position) == Array(10...16))
        let back = LogRead(.categories(["c1"]), isBackwards: true, from: 25, to: 10)
        #expect(try log.all(back).map(\.position) == [25, 23, 21, 19, 17, 15, 13, 11])
        _ = try log.read(&read)
        #expect(read.isDone && read.position == 17)
        read = LogRead(.categories(["none"]), from: 10, to: 25)
        #expect(try log.read(&read).count == 0)
        #expect(read.isDone && read.position == 26)
        read = LogRead(.categories(["none"]))
        #expect(try log.read(&read).count == 0)
        #expect(!read.isDone && read.position == 61)
    }

    @Test func `Log lists its streams and counts events, streams and segments`() throws {
        let log = try filled(FaultyStorage())
        let streams = try log.streams(limit: 100)
        #expect(streams.map(\.first) == Array(1...8))
        let first = try #require(streams.first)
        #expect(first.name.description == "c1-1" && first.last == 57 && first.revision == 7)
        #expect(try log.streams(of: "c0", after: 2, limit: 2).map(\.first) == [4, 6])
        let statistics = try log.statistics()
        #expect(statistics.events == 60 && statistics.streams == 8)
        #expect(statistics.segments == log.sealed.segments.count + 1)
    }
}

extension Timestamp {
    fileprivate static let distantFutureTime = Timestamp(microseconds: .max)
}

@Suite struct `Closed log` {
    @Test func `Damage at the end of a closed log is reported, not cut off`() throws {
        let storage = FaultyStorage()
        var log = try open(storage)
        try log.stage([event(1)])
        try log.commit()
        try log.stage([event(2)])
        try log.close()
        let segment = try #require(storage.names().first { $0.hasSuffix(".segment") })
        let disk = storage.crashed { true }
        disk.flip(segment, at: 64 + (try event(1).recordSize) + 120)
        let damage = #expect(throws: LogError.self) { _ = try open(disk).head }
        #expect(damage?.position == 2)
        #expect(try LogVerification(of: disk).faults.count == 1)
        // The undamaged log opens, and from then on it does not count as closed.
        #expect(try open(storage).head == 2)
        try storage.remove(LogManifest.name)
        storage.flip(segment, at: 64 + (try event(1).recordSize) + 120)
        #expect(try open(storage).head == 1)
    }
}

@Suite struct `Interval durability` {
    @Test func `Crash under interval durability loses only unflushed events`() throws {
        let storage = FaultyStorage()
        var log = try open(storage, durability: .interval)
        for number in 1...10 {
            try log.stage([event(number)])
            try log.commit()
            if number == 6 { try log.flush() }
        }
        #expect(log.head == 10)
        #expect(try open(storage.crashed { false }).head == 6)
        #expect(try open(storage.crashed { true }).head == 10)
        var random = SplitMix(state: 3)
        for _ in 0..<50 {
            let after = try open(storage.crashed { Bool.random(using: &random) })
            #expect((6...10).contains(after.head))
        }
    }
}
