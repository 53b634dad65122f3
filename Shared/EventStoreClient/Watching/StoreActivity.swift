public import EventSourcing
import WireProtocol

/// The state of the event store at one time: its rates since the last look, its queues, and the
/// lags of archives and services.
public struct StoreActivity: Codable, Hashable, Sendable {
    /// The state of a queue.
    public struct Queue: Codable, Hashable, Sendable {
        /// The name of the queue.
        public let name: String
        /// How many events wait in the queue, without those in flight.
        public let depth: Int
        /// How many events consumers hold.
        public let inFlight: Int
        /// How many dead letters the queue has.
        public let deadLetters: Int
        /// How long the oldest event has been in the queue, in seconds; 0 if the queue is empty.
        public let oldestSeconds: Double
        /// How many events are acknowledged per second.
        public let acknowledgedPerSecond: Double
    }

    /// The state of an archive.
    public struct Archive: Codable, Hashable, Sendable {
        /// The name of the archive.
        public let name: String
        /// How many events of the log it has not read yet.
        public let lag: UInt64
    }

    /// The state of a service.
    public struct Service: Codable, Hashable, Sendable {
        /// The name of the service.
        public let name: String
        /// How many events of the log its read model does not show yet; nil if it has not answered
        /// or has no read model.
        public let lag: UInt64?
        /// Why it is not ready; nil if it is ready.
        public let fault: String?

        /// Creates the state of a service.
        ///
        /// - Parameter status: its answer; nil if it has not answered.
        init(_ name: String, _ status: ServiceStatus?, head: UInt64) {
            self.name = name
            lag = status?.projection.map { head - min($0.checkpoint, head) }
            fault = status.map { $0.fault() } ?? "no answer"
        }
    }

    /// The time of the look.
    public let time: Timestamp
    /// The position of the last event in the log.
    public let head: UInt64
    /// How many events were appended per second.
    public let appendedPerSecond: Double
    /// How many events were sent to readers per second.
    public let readPerSecond: Double
    /// The mean duration of a commit, in seconds; nil if there was no commit.
    public let commitSeconds: Double?
    /// The number of open reads.
    public let openReads: Int
    /// The number of topic prefixes that the feed's subscribers have subscribed to.
    public let subscriptions: Int
    /// The state of each queue.
    public let queues: [Queue]
    /// The state of each archive.
    public let archives: [Archive]
    /// The state of each service, by name.
    public let services: [Service]

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
        commitSeconds =
            now.commits > before.commits
            ? (now.commitSeconds - before.commitSeconds) / Double(now.commits - before.commits)
            : nil
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
}
