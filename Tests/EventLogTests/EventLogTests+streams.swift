import EventSourcing
import Testing

@testable import EventLog

@Suite struct `Log streams` {
    @Test func `Log lists its streams and counts events, streams and segments`() throws {
        let log = try filled(FaultyStorage())
        let streams = try log.streams(limit: 100)
        #expect(streams.map(\.first) == Array(1...8))
        let first = try #require(streams.first)
        #expect(first.stream.description == "c1-1" && first.last == 57 && first.revision == 7)
        #expect(try log.streams(of: "c0", after: 2, limit: 2).map(\.first) == [4, 6])
        let statistics = try log.statistics()
        #expect(statistics.events == 60 && statistics.streams == 8)
        #expect(statistics.segments == log.sealed.segments.count + 1)
    }
}
