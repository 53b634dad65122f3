import EventSourcing
import Testing
import WireProtocol

@Suite struct `Append messages` {
    @Test func `Append condition decodes to what was encoded`() throws {
        let bytes = try Sample.condition.encoded()
        #expect(try AppendCondition(bytes[...]) == Sample.condition)
        #expect(try AppendCondition.any.encoded() == [])
        #expect(try AppendCondition([]) == .any)
    }

    @Test func `Append condition says whether the events are history and rules deliver them`()
        throws
    {
        for history in [AppendCondition.History.undelivered, .delivered] {
            var condition = AppendCondition(history: history)
            #expect(try condition.encoded() == [0, 0, history == .delivered ? 6 : 2])
            #expect(try AppendCondition(condition.encoded()[...]) == condition)
            condition = Sample.condition
            condition.history = history
            #expect(try AppendCondition(condition.encoded()[...]) == condition)
        }
        // Delivered, but not history.
        #expect(throws: ProtocolError.self) { try AppendCondition([0, 0, 4]) }
    }

    @Test func `Truncated append condition is rejected`() throws {
        let condition = try Sample.condition.encoded()
        for count in 1..<condition.count {
            #expect(throws: ProtocolError.self) { try AppendCondition(condition.prefix(count)) }
        }
    }

    @Test func `Answer to an append decodes to what was encoded`() throws {
        let appended = Appended(
            first: 5, last: 7, lastRevision: 2, time: Timestamp(microseconds: 99), isRepeat: true)
        #expect(try Appended(appended.bytes.span) == appended)
    }
}
