import EventLog
public import Observability
import WireProtocol
import ZeroMQ

/// Counters since the start of the process.
struct Counts {
    /// Messages received by kind; nil for messages of an unknown kind.
    var requests: [MessageKind?: UInt64] = [:]
    /// Requests, and parts of them, that were answered with an error, by its code.
    var errors: [ProtocolError.Code: UInt64] = [:]
    var appends: UInt64 = 0
    /// The durations of commits, each of which writes and, with durability `sync`, syncs a group of
    /// appends.
    var commits = Histogram()
    var committedBytes: UInt64 = 0
    var eventsRead: UInt64 = 0
}

extension EventStoreServer {
    /// Returns the store's metrics for Prometheus.
    public func metrics() -> [Metric] {
        let requests = counts.requests.map { kind, count in
            (kind.map { "\($0)" } ?? "malformed", count)
        }
        var metrics: [Metric] = [
            .gauge(
                "daybook_store_head_position", "The position of the last event in the log.",
                Double(log.head)),
            .gauge(
                "daybook_store_time_ahead_seconds",
                "How far the log's time is ahead of the clock.", log.timeAhead / .seconds(1)),
            .counter(
                "daybook_store_requests_total", "Messages received, by kind.",
                each: requests.sorted { $0.0 < $1.0 }.map { ([.init("kind", $0.0)], $0.1) }),
            .counter(
                "daybook_store_errors_total", "Errors sent to clients, by code.",
                each: counts.errors.map { ("\($0)", $1) }.sorted { $0.0 < $1.0 }
                    .map { ([.init("code", $0.0)], $0.1) }),
            .counter(
                "daybook_store_appends_total", "Appends made or repeated.", counts.appends),
            .counter(
                "daybook_store_appended_events_total", "Events appended.",
                log.head - headAtStart),
            .counter(
                "daybook_store_appended_bytes_total", "Bytes of records appended.",
                counts.committedBytes),
            .histogram(
                "daybook_store_commit_seconds",
                "Duration of writing and syncing a group of appends.",
                each: [([], counts.commits)]),
            .counter(
                "daybook_store_read_events_total", "Events sent to readers.", counts.eventsRead),
            .gauge("daybook_store_open_reads", "Open reads.", Double(reads.count)),
            .gauge(
                "daybook_store_paused_reads",
                "Open reads that wait until their clients have read what was sent.",
                Double(reads.pausedCount)),
            .gauge(
                "daybook_store_feed_unsent_bytes", "Bytes that wait for subscribers.",
                Double(unsentToFeed.bytes)),
            .gauge(
                "daybook_store_feed_topics", "Topic prefixes subscribed to at the feed.",
                Double(topics.count)),
        ]
        // A damaged index leaves these metrics out. Reads that need the index report it.
        if let log = try? log.statistics() {
            metrics += [
                .gauge("daybook_store_streams", "Streams in the log.", Double(log.streams)),
                .gauge("daybook_store_segments", "Segments of the log.", Double(log.segments)),
                .gauge("daybook_store_log_bytes", "Bytes of records.", Double(log.bytes)),
            ]
        }
        return metrics
    }
}
