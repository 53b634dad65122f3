import EventLog
import EventSourcing
import Testing

@Suite struct `Append condition` {
    @Test func `Failed append condition reports the actual revision or position`() throws {
        var log = try open(FaultyStorage())
        let stream = try StreamName("s-1")
        try log.stage([event(1, tags: ["seat:7"])], .stream(stream, .noStream))
        #expect(throws: AppendError.wrongRevision(stream, actual: 0)) {
            try log.stage([event(2)], .stream(stream, .noStream))
        }
        #expect(throws: AppendError.wrongRevision(stream, actual: 0)) {
            try log.stage([event(2)], .stream(stream, .revision(1)))
        }
        let other = try StreamName("s-9")
        #expect(throws: AppendError.wrongRevision(other, actual: nil)) {
            try log.stage([event(2)], .stream(other, .streamExists))
        }
        let none = AppendCondition(noneMatching: .init(.tags(["seat:7"]), after: 0))
        #expect(throws: AppendError.conditionFailed(position: 1)) {
            try log.stage([event(2)], none)
        }
        try log.stage(
            [event(2)], AppendCondition(noneMatching: .init(.tags(["seat:7"]), after: 1)))
        try log.commit()
        #expect(log.head == 2)
    }

    @Test func `Repeated append gets the first answer, and a reused id is rejected`() throws {
        let storage = FaultyStorage()
        var log = try open(storage)
        let condition = AppendCondition.stream(try StreamName("s-1"), .noStream)
        let first = try log.stage([event(1), event(2)], condition)
        var staged = try log.stage([event(1), event(2)], condition)
        #expect(staged.isRepeat)
        staged.isRepeat = false
        #expect(staged == first)
        try log.commit()
        var again = try open(storage)
        #expect(try again.stage([event(1), event(2)], condition).isRepeat)
        #expect(throws: AppendError.idReused(EventID(high: 7, low: 1), position: 1)) {
            try again.stage([event(1, text: "other")])
        }
        let partly = AppendError.partlyKnown(
            EventID(high: 7, low: 2), position: 2, count: 1, of: 2)
        #expect(throws: partly) {
            try again.stage([event(3), event(2)])
        }
        try again.commit()
        #expect(again.head == 2)
    }
}
