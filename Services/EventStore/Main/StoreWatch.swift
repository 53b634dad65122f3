import EventSourcing
import EventStoreClient
import Foundation
import ServiceKit
import WireProtocol

/// What the event store did since it was last looked at, and what waits in it.
struct StoreGlance: Codable, Hashable, Sendable {
    struct Queue: Codable, Hashable, Sendable {
        var name: String
        var depth: Int
        var inFlight: Int
        var deadLetters: Int
        /// How long the oldest event has been in it.
        var oldestSeconds: Double
        var acknowledgedPerSecond: Double
    }

    /// One that follows the log, and tells how far it is.
    struct Archive: Codable, Hashable, Sendable {
        var name: String
        /// Events of the log that it has not looked at.
        var lag: UInt64
    }

    var time: Timestamp
    var head: UInt64
    var appendedPerSecond: Double
    var readPerSecond: Double
    /// How long a commit took, on average; nil if there was none.
    var commitSeconds: Double?
    var openReads: Int
    /// Prefixes of topics that were subscribed to at the feed.
    var subscriptions: Int
    var queues: [Queue]
    var archives: [Archive]

    init(
        _ now: StoreStatistics, since before: StoreStatistics, _ elapsed: Duration,
        at time: Timestamp, _ queues: [QueueView], _ archives: [ArchiveView]
    ) {
        func perSecond(_ figure: KeyPath<StoreStatistics, UInt64>) -> Double {
            let (now, before) = (now[keyPath: figure], before[keyPath: figure])
            // A store that was started meanwhile counts from zero.
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
    }

    /// In one line.
    var line: String {
        let waiting = queues.reduce(0) { $0 + $1.depth }
        let inFlight = queues.reduce(0) { $0 + $1.inFlight }
        let dead = queues.reduce(0) { $0 + $1.deadLetters }
        return "\(time)  \(summary)  \(waiting) queued, \(inFlight) in flight, \(dead) dead"
    }

    /// For a whole screen.
    var lines: [String] {
        var lines = ["\(time)", summary]
        if !queues.isEmpty {
            lines.append("")
            lines += Output.lines(
                ["queue", "queued", "in flight", "dead", "oldest", "done/s"],
                queues.map {
                    [
                        $0.name, "\($0.depth)", "\($0.inFlight)", "\($0.deadLetters)",
                        "\(Int($0.oldestSeconds)) s", "\(Int($0.acknowledgedPerSecond.rounded()))",
                    ]
                })
        }
        if !archives.isEmpty {
            lines.append("")
            lines += Output.lines(["archive", "behind"], archives.map { [$0.name, "\($0.lag)"] })
        }
        return lines
    }

    private var summary: String {
        let commit = commitSeconds.map { ", a commit \(milliseconds($0))" } ?? ""
        return "head \(head)  \(Int(appendedPerSecond.rounded())) appended/s\(commit)  "
            + "\(Int(readPerSecond.rounded())) read/s, \(openReads) reads open  "
            + "\(subscriptions) topics"
    }
}

/// Looks at the event store once a second, and says what it sees: in place on a terminal, else in a
/// line.
struct StoreWatch: Sendable {
    private let client: EventStoreClient
    private let bus: ServiceClient

    init(_ client: EventStoreClient, _ bus: ServiceClient) {
        self.client = client
        self.bus = bus
    }

    /// Goes on until cancelled.
    func run(json: Bool) async throws {
        let isInPlace = !json && isatty(STDOUT_FILENO) == 1
        var (before, then) = (try await client.statistics(), ContinuousClock.now)
        // Wiped once; from then on lines are written over those before them.
        if isInPlace { print("\u{1B}[2J", terminator: "") }
        while true {
            // The second that a rate is of.
            try await Task.sleep(until: then + .seconds(1))
            let (statistics, now) = (try await client.statistics(), ContinuousClock.now)
            let queues: [QueueView] = try await bus.query(BusCall.queues, Nothing())
            let archives: [ArchiveView] = try await bus.query(BusCall.archives, Nothing())
            let glance = StoreGlance(
                statistics, since: before, now - then, at: .now(), queues, archives)
            (before, then) = (statistics, now)
            if json {
                try Output.json(glance)
            } else if isInPlace {
                let lines = glance.lines.map { $0 + "\u{1B}[K\n" }.joined()
                print("\u{1B}[H\(lines)\u{1B}[J", terminator: "")
            } else {
                print(glance.line)
            }
            fflush(nil)
        }
    }
}
