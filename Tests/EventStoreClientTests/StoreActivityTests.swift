import EventSourcing
import Testing
import WireProtocol

@testable import EventStoreClient

@Suite struct `Activity of the store` {
    private func statistics(
        head: UInt64, commits: UInt64 = 0, commitSeconds: Double = 0, eventsRead: UInt64 = 0
    ) -> StoreStatistics {
        var statistics = StoreStatistics(log: .none, durability: "sync")
        statistics.head = head
        statistics.commits = commits
        statistics.commitSeconds = commitSeconds
        statistics.eventsRead = eventsRead
        (statistics.openReads, statistics.subscriptions) = (2, 3)
        return statistics
    }

    private func activity(_ now: StoreStatistics, since before: StoreStatistics) -> StoreActivity {
        StoreActivity(
            now, since: before, .seconds(2), at: Timestamp(microseconds: 0), queues: [],
            archives: [], services: [])
    }

    @Test func `Rates are those since the last look`() {
        let activity = activity(
            statistics(head: 110, commits: 14, commitSeconds: 3, eventsRead: 50),
            since: statistics(head: 100, commits: 10, commitSeconds: 1, eventsRead: 20))
        #expect(activity.head == 110 && activity.appendedPerSecond == 5)
        #expect(activity.readPerSecond == 15 && activity.commitSeconds == 0.5)
        #expect(activity.openReads == 2 && activity.subscriptions == 3)
    }

    @Test func `Store that was restarted counts from zero`() {
        let activity = activity(
            statistics(head: 100, eventsRead: 4), since: statistics(head: 100, eventsRead: 90))
        #expect(activity.readPerSecond == 2 && activity.appendedPerSecond == 0)
        #expect(activity.commitSeconds == nil)
    }

    @Test func `Service lags by the events that its read model lacks`() {
        func service(_ checkpoint: UInt64) -> StoreActivity.Service {
            let status = ServiceStatus(
                service: "orders", processID: 1, startedAt: Timestamp(microseconds: 0), log: .none,
                head: 5000, projection: ProjectionStatus(checkpoint: checkpoint, store: "s"),
                participant: nil)
            return StoreActivity.Service("orders", status, head: 5000)
        }
        #expect(service(4990).lag == 10 && service(4990).fault == nil)
        #expect(service(1000).lag == 4000)
        #expect(service(1000).fault == "the projection is 4000 events behind")
        let silent = StoreActivity.Service("orders", nil, head: 5000)
        #expect(silent.lag == nil && silent.fault == "no answer")
    }
}
