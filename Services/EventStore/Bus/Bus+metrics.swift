import EventSourcing
public import Observability
import WireProtocol

extension Bus {
    /// What keeps the bus from answering; nil if nothing does.
    public func fault() -> String? {
        routed >= openedAt ? nil : "the bus has routed \(routed) of \(openedAt) events"
    }

    /// What there is to be scraped.
    public func metrics() async -> [Metric] {
        let now = clock.now.log
        let views = queueViews()
        func gauges(
            _ name: String, _ help: String, _ figure: (QueueView) -> Double?
        ) -> Metric {
            .gauge(
                "daybook_queue_\(name)", help,
                each: views.compactMap { view in
                    figure(view).map { ([.init("queue", view.queue.name)], $0) }
                })
        }
        func counters(_ name: String, _ help: String, _ figure: (BusQueue) -> UInt64) -> Metric {
            .counter(
                "daybook_queue_\(name)_total", help,
                each: queues.values.sorted { $0.name < $1.name }.map {
                    ([.init("queue", $0.name)], figure($0))
                })
        }
        return [
            .gauge(
                "daybook_bus_routed_position", "Every event up to here has been routed.",
                Double(routed)),
            gauges("depth", "Events that are not in flight.") { Double($0.depth) },
            gauges("delayed", "Of those, events that wait for their back-off to pass.") {
                Double($0.delayed)
            },
            gauges("blocked", "Of those, events that wait behind a dead letter.") {
                Double($0.waitingBehindDead)
            },
            gauges("in_flight", "Events that are with a consumer.") { Double($0.inFlight) },
            gauges("oldest_age_seconds", "How long the oldest event has been in the queue.") {
                $0.oldest.map { Double(max(now.microseconds - $0.microseconds, 0)) / 1e6 } ?? 0
            },
            gauges("dead_letters", "Dead letters.") { Double($0.deadLetters) },
            counters("delivered", "Deliveries.") { $0.delivered },
            counters("failed", "Deliveries that did not end well, and events that grew too old.") {
                $0.failed
            },
            counters("acknowledged", "Events acknowledged since the queue was made.") {
                $0.row.acknowledged
            },
            counters("dropped", "Events dropped, for a queue without dead letters.") {
                $0.row.dropped
            },
        ] + (await archiveMetrics())
    }

    private func archiveMetrics() async -> [Metric] {
        let views = await archiveViews()
        return [
            .gauge(
                "daybook_archive_position", "Every matching event up to here is in the archive.",
                each: views.map { ([.init("archive", $0.archive.name)], Double($0.checkpoint)) }),
            .gauge(
                "daybook_archive_failing", "1 if the archive does not go on for now.",
                each: views.map {
                    ([.init("archive", $0.archive.name)], $0.problem == nil ? 0 : 1)
                }),
        ]
    }
}
