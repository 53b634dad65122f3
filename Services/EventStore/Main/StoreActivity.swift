import Bytes
import CommandLine
import EventSourcing
import WireProtocol

/// The state of the event store at one time: its rates since the last look, its queues, and the
/// lags of archives and services.
struct StoreActivity: Codable, Hashable, Sendable {
    /// The state of a queue.
    struct Queue: Codable, Hashable, Sendable {
        var name: String
        var depth: Int
        var inFlight: Int
        var deadLetters: Int
        /// How long the oldest event has been in the queue, in seconds; 0 if the queue is empty.
        var oldestSeconds: Double
        var acknowledgedPerSecond: Double
    }

    /// The state of an archive.
    struct Archive: Codable, Hashable, Sendable {
        var name: String
        /// How many events of the log it has not read yet.
        var lag: UInt64
    }

    /// The state of a service.
    struct Service: Codable, Hashable, Sendable {
        var name: String
        /// How many events of the log its read model does not show yet; nil if it has not answered
        /// or has no read model.
        var lag: UInt64?
        /// Why it is not ready; nil if it is ready.
        var fault: String?

        /// Creates the state of a service.
        ///
        /// - Parameter status: its answer; nil if it has not answered.
        init(_ name: String, _ status: ServiceStatus?, head: UInt64) {
            self.name = name
            lag = status?.projection.map { head - min($0.checkpoint, head) }
            fault = status.map { $0.fault() } ?? "no answer"
        }
    }

    var time: Timestamp
    var head: UInt64
    var appendedPerSecond: Double
    var readPerSecond: Double
    /// The mean duration of a commit, in seconds; nil if there was no commit.
    var commitSeconds: Double?
    var openReads: Int
    /// The number of topic prefixes that the feed's subscribers have subscribed to.
    var subscriptions: Int
    var queues: [Queue]
    var archives: [Archive]
    var services: [Service]

    init(
        _ now: StoreStatistics, since before: StoreStatistics, _ elapsed: Duration,
        at time: Timestamp, queues: [QueueView], archives: [ArchiveView], services: [Service]
    ) {
        func perSecond(_ figure: KeyPath<StoreStatistics, UInt64>) -> Double {
            let (now, before) = (now[keyPath: figure], before[keyPath: figure])
            // A store that was restarted meanwhile counts from zero.
            return Double(now >= before ? now - before : now) / (elapsed / .seconds(1))
        }
        self.time = time
        head = now.head
        appendedPerSecond = perSecond(\.head)
        readPerSecond = perSecond(\.eventsRead)
        if now.commits > before.commits {
            commitSeconds =
                (now.commitSeconds - before.commitSeconds) / Double(now.commits - before.commits)
        }
        openReads = now.openReads
        subscriptions = now.subscriptions
        self.queues = queues.map { view in
            let age = view.oldest.map { max(time.microseconds - $0.microseconds, 0) } ?? 0
            return Queue(
                name: view.queue.name, depth: view.depth, inFlight: view.inFlight,
                deadLetters: view.deadLetters, oldestSeconds: Double(age) / 1e6,
                acknowledgedPerSecond: view.throughput)
        }
        self.archives = archives.map {
            Archive(name: $0.archive.name, lag: now.head - min($0.checkpoint, now.head))
        }
        self.services = services
    }

    /// The state in one line, for output that is not a terminal.
    var line: String {
        let waiting = queues.reduce(0) { $0 + $1.depth }
        let inFlight = queues.reduce(0) { $0 + $1.inFlight }
        let dead = queues.reduce(0) { $0 + $1.deadLetters }
        let behind = services.map { "\($0.name) \($0.lag.map(String.init) ?? "?")" }
        return "\(time)  \(summary)  \(waiting) queued, \(inFlight) in flight, \(dead) dead  "
            + "lag: \(behind.joined(separator: ", "))"
    }

    /// The state as lines with tables, for a terminal.
    var lines: [String] {
        func table(_ heads: [String], _ rows: [[String]]) -> [String] {
            rows.isEmpty ? [] : [""] + Output.lines(heads, rows)
        }
        return ["\(time)", summary]
            + table(
                ["queue", "queued", "in flight", "dead", "oldest", "done/s"],
                queues.map {
                    [
                        $0.name, "\($0.depth)", "\($0.inFlight)", "\($0.deadLetters)",
                        "\(Int(clamping: $0.oldestSeconds)) s",
                        "\(Int(clamping: $0.acknowledgedPerSecond.rounded()))",
                    ]
                })
            + table(
                ["service", "lag", ""],
                services.map { [$0.name, $0.lag.map(String.init) ?? "?", $0.fault ?? ""] })
            + table(["archive", "lag"], archives.map { [$0.name, "\($0.lag)"] })
    }

    private var summary: String {
        let commit = commitSeconds.map { ", a commit \(milliseconds($0))" } ?? ""
        return "head \(head)  \(Int(clamping: appendedPerSecond.rounded())) appended/s\(commit)  "
            + "\(Int(clamping: readPerSecond.rounded())) read/s, \(openReads) reads open  "
            + "\(subscriptions) topics"
    }
}
