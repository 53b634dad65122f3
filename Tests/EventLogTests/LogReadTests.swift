import EventSourcing
import Testing

@testable import EventLog

@Suite struct `Log reads` {
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

    /// Amendments of events in sealed and in open segments, some with much more data.
    private static let amendments: [UInt64: Amendment] = [
        1: .skip, 2: .data(Array("2".utf8)), 17: .data([]), 30: .skip,
        31: .data(Array(repeating: 0x31, count: 600)),
        59: .data(Array(repeating: 0x32, count: 900)), 60: .skip,
    ]

    @Test(arguments: [false, true], [1, 700, 1000, 1 << 20])
    func `Amended events are read in place of the appended ones, whatever the chunks are`(
        isBackwards: Bool, chunkBytes: Int
    ) throws {
        let log = try filled(FaultyStorage())
        #expect(log.sealed.segments.count >= 3)
        let queries: [EventQuery] = [
            .all, .categories(["c1"]), .types(["T"]), .tags(["digit:1"]),
            .stream(try StreamName("c1-7")),
        ]
        for query in queries {
            var request = LogRead(
                query, isBackwards: isBackwards, from: isBackwards ? .max : 1,
                chunkBytes: chunkBytes)
            let originals = try log.all(request)
            request.amendments = Self.amendments
            let events = try log.all(request)
            #expect(events.map(\.position) == originals.map(\.position))
            for (event, original) in zip(events, originals) {
                try event.verify()
                let amendment = Self.amendments[event.position]
                #expect(event.isSkipped == (amendment == .skip))
                guard case .data(let data) = amendment else {
                    #expect(event.body.elementsEqual(original.body) && !event.isAmended)
                    continue
                }
                #expect(event.isAmended && event.data.elementsEqual(data))
                #expect(event.id == original.id && event.revision == original.revision)
                #expect(event.tags == original.tags && event.time == original.time)
            }
        }
    }
}

extension Timestamp {
    fileprivate static let distantFutureTime = Timestamp(microseconds: .max)
}
