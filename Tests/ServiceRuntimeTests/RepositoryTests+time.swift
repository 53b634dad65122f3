import EventSourcing
import EventStoreClient
import Observability
import Synchronization
import Testing

@testable import ServiceRuntime

@Suite(.timeLimit(.minutes(10))) struct `Position lookup by time` {
    @Test func `Log ahead of the clock resolves times up to its last event and no later ones`()
        async throws
    {
        let store = try await Store()
        let stream = try StreamName("s-1")
        // The clock was an hour ahead and then corrected. Commit times stay ahead.
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
        await #expect {
            try await store.client.position(of: .time(Timestamp(microseconds: ahead + 2)))
        } throws: { DaybookError.Kind(of: $0) == .rejected }
    }
}
