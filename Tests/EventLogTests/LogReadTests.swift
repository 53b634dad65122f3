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
}

extension Timestamp {
    fileprivate static let distantFutureTime = Timestamp(microseconds: .max)
}
