import EventLog
public import Observability
import WireProtocol

/// What was done since the process began.
struct Counts {
    /// Messages taken, by their kind; nil for what is none of ours.
    var requests: [MessageKind?: UInt64] = [:]
    /// Requests and parts of them that were answered with an error, by its code.
    var errors: [ProtocolError.Code: UInt64] = [:]
    var appends: UInt64 = 0
    /// Groups of appends that were written and, unless that is put off, synced.
    var commits = Histogram()
    var committedBytes: UInt64 = 0
    var eventsRead: UInt64 = 0
}

extension EventStoreServer {
    /// What there is to be scraped.
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
                "daybook_store_requests_total", "Messages taken, by their kind.",
                each: requests.sorted { $0.0 < $1.0 }.map { ([.init("kind", $0.0)], $0.1) }),
            .counter(
                "daybook_store_errors_total", "Errors answered, by their code.",
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
                "How long it took to write and sync the appends that waited.", counts.commits),
            .counter(
                "daybook_store_read_events_total", "Events sent to readers.", counts.eventsRead),
            .gauge("daybook_store_open_reads", "Reads under way.", Double(reads.count)),
            .gauge(
                "daybook_store_feed_topics", "Prefixes of topics subscribed to at the feed.",
                Double(topics.count)),
        ]
        // A damaged index is told of when it is read for what depends on it.
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
