import EventSourcing
import Testing

@testable import EventLog

/// A log whose commit times are far after the original times of its history.
@Suite struct `History in the log` {
    private static let start: Int64 = 1_000_000

    /// Returns an event of another log that was committed there at this time.
    private func past(_ number: Int, at microseconds: Int64, stream: String = "s-1") throws
        -> NewEvent
    {
        var event = try event(number, stream: stream, text: String(repeating: "x", count: 200))
        event.originalTime = Timestamp(microseconds: microseconds)
        event.metadata = Array(#"{"actor":"a"}"#.utf8)
        return event
    }

    /// Each event has its number as its original time in microseconds, or none if it is odd.
    private func mixed(_ storage: FaultyStorage) throws -> EventLog {
        var log = try EventLog(
            in: storage, segmentBytes: 4096, newID: EventID(high: 1, low: 2), newSalt: salt,
            now: { Timestamp(microseconds: Self.start) })
        for number in 1...120 {
            if number.isMultiple(of: 2) {
                try log.stage(
                    [past(number, at: Int64(number), stream: "s-\(number % 6)")],
                    AppendCondition(history: number.isMultiple(of: 4) ? .delivered : .undelivered))
            } else {
                try log.stage([event(number, stream: "s-\(number % 6)")])
            }
        }
        try log.commit()
        return log
    }

    private func times(_ range: Range<Int64>) -> Range<Timestamp> {
        Timestamp(microseconds: range.lowerBound)..<Timestamp(microseconds: range.upperBound)
    }

    @Test func `Event keeps its original time and metadata beside its commit time`() throws {
        let log = try mixed(FaultyStorage())
        for event in try log.all() {
            let number = Int64(clamping: event.id.low)
            let isHistory = number.isMultiple(of: 2)
            #expect(event.isHistory == isHistory)
            #expect(event.isForRules == (!isHistory || number.isMultiple(of: 4)))
            #expect(event.originalTime?.microseconds == (isHistory ? number : nil))
            #expect(event.occurredAt == event.originalTime ?? event.time)
            #expect(event.time.microseconds == Self.start + number - 1)
            #expect(
                String(decoding: event.metadata, as: UTF8.self)
                    == (isHistory ? #"{"actor":"a"}"# : ""))
        }
        #expect(log.lastHistory == 120)
    }

    @Test func `Read of a time finds history wherever it is in the log`() throws {
        let storage = FaultyStorage()
        let log = try mixed(storage)
        #expect(log.sealed.segments.count > 3)
        let reopened = try open(storage.crashed { true })
        #expect(reopened.lastHistory == 120)
        for query in [EventQuery.all, .stream(try StreamName("s-2"))] {
            let all = try log.all(query)
            for range: Range<Int64> in [
                0..<1, 0..<3, 50..<71, 100..<Self.start, 100..<Self.start + 30,
                Self.start + 10..<Self.start + 20, Self.start + 500..<Self.start + 600,
                .min..<(.max),
            ] {
                let wanted = all.filter { times(range).contains($0.occurredAt) }.map(\.position)
                for isBackwards in [false, true] {
                    let read = LogRead(
                        query, isBackwards: isBackwards, from: isBackwards ? .max : 1,
                        times: times(range), chunkBytes: 700)
                    let expected = isBackwards ? wanted.reversed() : wanted
                    #expect(try log.all(read).map(\.position) == expected, "\(range)")
                    #expect(try reopened.all(read).map(\.position) == expected, "\(range)")
                }
            }
        }
    }

    @Test(arguments: [false, true])
    func `Read of a time in small parts finds the same history`(isBackwards: Bool) throws {
        let log = try mixed(FaultyStorage())
        for query in [EventQuery.all, .stream(try StreamName("s-2"))] {
            var read = LogRead(
                query, isBackwards: isBackwards, from: isBackwards ? .max : 1,
                times: times(50..<71), chunkBytes: 700)
            let expected = try log.all(read).map(\.position)
            read.stepsPerChunk = 300
            var found: [UInt64] = []
            while !read.isDone, isBackwards || read.position <= log.head {
                found += try RecordSequence(try log.read(&read).bytes[...]).map(\.position)
            }
            #expect(found == expected && found.count > 3)
        }
    }

    @Test func `Read of a time before all commits skips segments without history`() throws {
        let storage = FaultyStorage()
        let log = try filled(storage)
        let before = storage.segmentReads
        #expect(try log.all(LogRead(times: times(0..<1))).isEmpty)
        #expect(storage.segmentReads == before)
    }

    @Test func `History is never later than its commit`() throws {
        let future: Int64 = 4_000_000_000_000_000
        var log = try open(FaultyStorage())
        try log.stage([past(1, at: future)], AppendCondition(history: .undelivered))
        try log.commit()
        let event = try #require(try log.all().first)
        #expect(event.occurredAt == event.time)
        #expect(event.originalTime?.microseconds == future)
    }

    @Test func `Append of history without an original time is rejected and changes nothing`()
        throws
    {
        var log = try open(FaultyStorage())
        #expect(throws: AppendError.self) {
            try log.stage([past(1, at: 5), event(2)], AppendCondition(history: .undelivered))
        }
        #expect(try log.commit().isEmpty)
        #expect(log.lastHistory == 0)
    }

    @Test func `Original time counts only for an append of history`() throws {
        var log = try open(FaultyStorage())
        try log.stage([past(1, at: 5)])
        try log.commit()
        let event = try #require(try log.all().first)
        #expect(!event.isHistory && event.originalTime == nil && event.occurredAt == event.time)
    }

    @Test func `Log with history verifies, and its rebuilt indexes are the same`() throws {
        let storage = FaultyStorage()
        var log = try mixed(storage)
        try log.close()
        #expect(try LogVerification(of: storage).faults.isEmpty)
        for name in storage.names() where name.hasSuffix(".index") { try storage.remove(name) }
        let rebuilt = try open(storage)
        #expect(try LogVerification(of: storage).faults.isEmpty)
        #expect(try rebuilt.all(LogRead(times: times(0..<3))).map(\.position) == [2])
    }
}
