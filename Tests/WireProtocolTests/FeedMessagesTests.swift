import EventSourcing
import Testing
import WireProtocol

@Suite struct `Feed messages` {
    @Test func `Heartbeat decodes to what was encoded`() throws {
        let heartbeat = Heartbeat(
            head: 4, time: Timestamp(microseconds: 3), log: EventID(high: 1, low: 2))
        #expect(try Heartbeat(heartbeat.bytes.span) == heartbeat)
    }
}
