import Bytes
import EventSourcing
import Testing
import WireProtocol

@testable import EventBus

@Suite struct `Replay pacing` {
    private let now = ContinuousClock.now

    private func pacing(rate: Double? = nil, speed: Double? = nil) -> Pacing {
        Pacing(ReplayDefinition(name: "r", queue: "q", rate: rate, speed: speed))
    }

    private func event(at seconds: Int64) throws -> RecordedEvent {
        var bytes: [UInt8] = []
        try NewEvent(stream: try StreamName("s-1"), type: "T", data: []).encode(into: &bytes)
        var time: [UInt8] = []
        time.append(littleEndian: seconds * 1_000_000)
        bytes.replaceSubrange(RecordLayout.time..<RecordLayout.time + 8, with: time)
        return try RecordedEvent(bytes[...])
    }

    @Test func `Replay without rate and speed has no delay`() throws {
        var pacing = pacing()
        for count in 0..<10 as Range<UInt64> {
            #expect(pacing.due(try event(at: 100), count: count, now: now) == nil)
        }
    }

    @Test func `Rate limits the events per second, counted from where the replay resumes`() throws {
        var pacing = pacing(rate: 4)
        #expect(pacing.due(try event(at: 5), count: 100, now: now) == nil)
        #expect(pacing.due(try event(at: 5), count: 101, now: now) == now + .milliseconds(250))
        #expect(pacing.due(try event(at: 5), count: 108, now: now) == now + .seconds(2))
        #expect(pacing.due(try event(at: 5), count: 108, now: now + .seconds(2)) == nil)
        #expect(pacing.due(try event(at: 5), count: 109, now: now + .seconds(3)) == nil)
    }

    @Test func `Speed divides the original time between events`() throws {
        var pacing = pacing(speed: 10)
        #expect(pacing.due(try event(at: 1000), count: 0, now: now) == nil)
        #expect(pacing.due(try event(at: 1000), count: 1, now: now) == nil)
        #expect(pacing.due(try event(at: 1020), count: 2, now: now) == now + .seconds(2))
        #expect(pacing.due(try event(at: 1020), count: 2, now: now + .seconds(2)) == nil)
    }

    @Test func `Slower limit applies if both rate and speed are set`() throws {
        var pacing = pacing(rate: 1, speed: 1)
        #expect(pacing.due(try event(at: 0), count: 0, now: now) == nil)
        #expect(pacing.due(try event(at: 1), count: 5, now: now) == now + .seconds(5))
        #expect(pacing.due(try event(at: 9), count: 5, now: now) == now + .seconds(9))
    }
}
