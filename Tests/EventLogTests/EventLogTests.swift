import EventLog
import EventSourcing
import Foundation
import TestSupport
import Testing

@Suite struct `Event log` {
    @Test func `Reads return staged events only after the commit`() throws {
        var log = try open(FaultyStorage())
        let appended = try log.stage([event(1), event(2, stream: "s-2"), event(3)])
        #expect(appended.first == 1 && appended.last == 3 && appended.lastRevision == 1)
        #expect(try log.all().isEmpty)
        #expect(log.head == 0)
        let committed = try RecordSequence(try log.commit()[...])
        #expect(committed.map(\.position) == [1, 2, 3])
        let events = try log.all()
        #expect(events.map(\.position) == [1, 2, 3])
        #expect(events.map(\.revision) == [0, 0, 1])
        #expect(events.map(\.previousInCategory) == [0, 1, 2])
        #expect(events.map(\.time.microseconds) == [1_000, 1_001, 1_002])
        #expect(
            events.map { String(decoding: $0.data, as: UTF8.self).prefix(7) }
                == ["event 1", "event 2", "event 3"])
    }

    @Test func `Each category's chain contains the amendments`() throws {
        let storage = FaultyStorage()
        var log = try open(storage)
        try log.stage([event(1, stream: "a-1"), event(2, stream: "b-1"), event(3, stream: "b-1")])
        try log.stage([event(4, stream: "$amendment-1")])
        try log.commit()
        log = try open(storage)
        try log.stage([
            event(5, stream: "a-1"), event(6, stream: "a-1"), event(7, stream: "$amendment-2"),
            event(8, stream: "$amendment-2"), event(9, stream: "b-1"), event(10, stream: "c-1"),
        ])
        try log.commit()
        #expect(try log.all().map(\.previousInCategory) == [0, 0, 2, 3, 4, 5, 6, 7, 8, 8])
    }

    @Test func `Reopened log of many segments continues where it stopped`() throws {
        let storage = FaultyStorage()
        var log = try open(storage)
        let id = log.id
        for number in 1...60 {
            let text = String(repeating: "x", count: 4 * number)
            try log.stage([event(number, stream: "s-\(number % 3)", text: text)])
            if number.isMultiple(of: 4) { try log.commit() }
        }
        try log.commit()
        #expect(storage.names().count > 3)
        var again = try open(storage)
        #expect(again.id == id)
        #expect(again.head == 60)
        #expect(try again.all().map(\.id.low) == (1...60).map { UInt64($0) })
        try again.stage([event(61, stream: "s-1")], .stream(StreamName("s-1"), .revision(19)))
        try again.commit()
        let last = try #require(try again.all().last)
        #expect(last.revision == 20 && last.previousInCategory == 60)
        let times = try again.all().map(\.time)
        #expect(zip(times, times.dropFirst()).allSatisfy { $0 < $1 })
    }

    @Test func `Event times rise strictly even if the clock stands still or goes back`() throws {
        let storage = FaultyStorage()
        var clock: [Int64] = []
        func log() throws -> EventLog {
            try EventLog(in: storage, segmentBytes: 4096) {
                Timestamp(microseconds: clock.isEmpty ? 0 : clock.removeFirst())
            }
        }
        func append(_ numbers: ClosedRange<Int>, to log: inout EventLog, at time: Int64) throws {
            clock = [time]
            let appended = try log.stage(numbers.map { try event($0) })
            try log.commit()
            #expect(try log.all().last?.time == appended.time)
        }
        var first = try log()
        try append(1...3, to: &first, at: 5_000)
        // The clock stands still, then goes back.
        try append(4...4, to: &first, at: 5_000)
        try append(5...5, to: &first, at: 1)
        try append(6...6, to: &first, at: 9_000)
        // Times also rise in the next process and in the next segments.
        var second = try log()
        try append(7...7, to: &second, at: 10)
        for number in 8...80 { try append(number...number, to: &second, at: 20) }
        #expect(storage.names().count > 3)
        var third = try log()
        try append(81...81, to: &third, at: 30)
        let times = try third.all().map(\.time.microseconds)
        #expect(times.prefix(7) == [5_000, 5_001, 5_002, 5_003, 5_004, 9_000, 9_001])
        #expect(zip(times, times.dropFirst()).allSatisfy { $0 < $1 })
    }

    @Test func `Log keeps its id when it is reopened before its first event`() throws {
        let storage = FaultyStorage()
        let id = try open(storage).id
        var again = try open(storage)
        #expect(again.id == id && again.head == 0)
        #expect(try again.stage([event(1)]).first == 1)
        try again.commit()
        #expect(try open(storage).id == id)
    }

    @Test func `Commit returns all staged events, also across a segment's end`() throws {
        var log = try open(FaultyStorage())
        for number in 1...60 { try log.stage([event(number)]) }
        let committed = try RecordSequence(try log.commit()[...])
        #expect(committed.map(\.position) == Array(1...60))
        #expect(try log.commit().isEmpty)
    }

    @Test func `Failed sync ends the log and every later call gets its error`() throws {
        let storage = FaultyStorage()
        var log = try open(storage)
        try log.stage([event(1)])
        storage.changesLeft = 1
        let failure = try #require(throws: LogError.self) { try log.commit() }
        storage.changesLeft = nil
        #expect(throws: failure) { try log.commit() }
        #expect(throws: AppendError.log(failure)) { try log.stage([event(2)]) }
    }
}
