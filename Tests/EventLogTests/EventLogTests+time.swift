import EventLog
import EventSourcing
import Synchronization
import TestSupport
import Testing

@Suite(.mayBlock) struct `Log time` {
    private final class Clock: Sendable {
        let now = Mutex(Timestamp(microseconds: 1_000_000))
        func set(_ microseconds: Int64) {
            now.withLock { $0 = Timestamp(microseconds: microseconds) }
        }
    }

    @Test func `Log time never goes back and shows how far it is ahead of the clock`() throws {
        let clock = Clock()
        let storage = FaultyStorage()
        var log = try EventLog(in: storage, now: { clock.now.withLock { $0 } })
        #expect(log.timeAhead == .zero)
        var events: [Int64] = []
        for time: Int64 in [5_000_000, 2_000_000, 3_000_000, 9_000_000] {
            clock.set(time)
            events.append(try log.stage([event(events.count)]).time.microseconds)
            try log.commit()
            let ahead = max(0, events[events.count - 1] - time)
            #expect(log.timeAhead == .microseconds(ahead))
        }
        #expect(events == [5_000_000, 5_000_001, 5_000_002, 9_000_000])
        clock.set(8_000_000)
        #expect(log.timeAhead == .seconds(1))
        try log.close()
        let reopened = try EventLog(in: storage, now: { clock.now.withLock { $0 } })
        #expect(reopened.timeAhead == .seconds(1))
    }
}
