import EventSourcing
public import Observability
import WireProtocol

extension Bus {
    /// Returns why the bus does not answer calls yet, or nil if it does.
    public func fault() -> String? {
        router.position >= openedAt
            ? nil : "the bus has routed \(router.position) of \(openedAt) events"
    }

    /// Returns the bus's metrics for Prometheus.
    public func metrics() async -> [Metric] {
        let now = clock.now.log
        let views = queueViews()
        func gauges(_ name: String, _ help: String, _ figure: (QueueView) -> Int) -> Metric {
            .gauge(
                "daybook_queue_\(name)", help,
                each: views.map { ([.init("queue", $0.queue.name)], Double(figure($0))) })
        }
        func counters(_ name: String, _ help: String, _ each: [(String, UInt64)]) -> Metric {
            .counter(
                "daybook_queue_\(name)_total", help,
                each: each.map { ([.init("queue", $0)], $1) })
        }
        let counts = deliveries.counts
        return [
            .gauge(
                "daybook_bus_routed_position", "The position up to which events are routed.",
                Double(router.position)),
            gauges("depth", "Events in the queue, without those in flight.", \.depth),
            gauges(
                "delayed", "Events of the depth that wait for their back-off to end.", \.delayed),
            gauges(
                "blocked", "Events of the depth that wait behind a dead letter.",
                \.waitingBehindDead),
            gauges("in_flight", "Events that a consumer holds.", \.inFlight),
            .gauge(
                "daybook_queue_oldest_age_seconds", "The age of the oldest event in the queue.",
                each: views.map { view in
                    let age = view.oldest.map { max(now.microseconds - $0.microseconds, 0) } ?? 0
                    return ([.init("queue", view.queue.name)], Double(age) / 1e6)
                }),
            gauges("dead_letters", "Dead letters.", \.deadLetters),
            counters("delivered", "Deliveries.", counts.map { ($0.queue, $0.delivered) }),
            counters(
                "failed", "Failed or timed out deliveries, and expired events.",
                counts.map { ($0.queue, $0.failed) }),
            counters(
                "acknowledged", "Events acknowledged since the queue was created.",
                views.map { ($0.queue.name, $0.acknowledged) }),
            counters(
                "dropped", "Events dropped by a queue without dead letters.",
                views.map { ($0.queue.name, $0.dropped) }),
        ] + (await archiveMetrics())
    }

    private func archiveMetrics() async -> [Metric] {
        let views = await archiveViews()
        return [
            .gauge(
                "daybook_archive_position", "The position up to which events are archived.",
                each: views.map { ([.init("archive", $0.archive.name)], Double($0.checkpoint)) }),
            .gauge(
                "daybook_archive_failing", "1 while archiving fails, otherwise 0.",
                each: views.map {
                    ([.init("archive", $0.archive.name)], $0.problem == nil ? 0 : 1)
                }),
        ]
    }
}
