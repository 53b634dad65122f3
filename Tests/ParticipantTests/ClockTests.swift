import EventSourcing
import EventStoreClient
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(10))) struct `A log that is ahead of the clock` {
    @Test func `is asked for its own times, and for none behind them`() async throws {
        let store = try await Store()
        let stream = try StreamName("s-1")
        // As when a clock was an hour ahead, and has been set right: commit times stay ahead.
        let ahead = (Timestamp.now() + .seconds(3600)).microseconds
        for time in [ahead, ahead - 3_600_000_000] {
            store.time.microseconds.withLock { $0 = time }
            _ = try await store.client.append([NewEvent(stream: stream, type: "T", data: [])])
        }
        let first = Moment.time(Timestamp(microseconds: ahead))
        let last = Moment.time(Timestamp(microseconds: ahead + 1))
        #expect(try await store.client.position(of: first) == 1)
        #expect(try await store.client.position(of: last) == 2)
        #expect(try await store.client.position(of: .time(.now())) == 0)
        await #expect(throws: Refusal.self) {
            try await store.client.position(of: .time(Timestamp(microseconds: ahead + 2)))
        }
    }
}
