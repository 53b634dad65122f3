public import EventSourcing

/// The calls that the event store answers.
public enum StoreCall {
    /// Argument: none. Answer: ``LogHead``.
    public static let chain = "chain"
    /// Argument: an event's id, as text. Answer: its record, or nothing.
    public static let event = "event"
    /// Argument: ``StreamsRequest``. Answer: a list of ``StreamEntry``.
    public static let streams = "streams"
    /// Argument: none. Answer: ``StoreStatistics``.
    public static let statistics = "statistics"

    public static let all = [chain, event, statistics, streams]
}

/// Where a log ends, and the hash of all that is in it.
public struct LogHead: Codable, Hashable, Sendable {
    public var log: EventID
    /// The position of the last event, or 0.
    public var position: UInt64
    /// When that was committed; nil if there is no event.
    public var time: Timestamp?
    /// That of the log's chain at the position, as 64 hexadecimal digits.
    public var hash: String

    public init(log: EventID, position: UInt64, time: Timestamp?, hash: String) {
        self.log = log
        self.position = position
        self.time = time
        self.hash = hash
    }
}

/// Asks which streams there are, in the order in which they began.
public struct StreamsRequest: Codable, Hashable, Sendable {
    public static let maximumLimit = 500

    /// Of this category; nil for all.
    public var category: String?
    /// Those whose first event is behind this position.
    public var after: UInt64
    /// At most so many.
    public var limit: Int

    public init(category: String? = nil, after: UInt64 = 0, limit: Int = maximumLimit) {
        self.category = category
        self.after = after
        self.limit = limit
    }
}

/// A stream: where it begins and where it ends.
public struct StreamEntry: Codable, Hashable, Sendable {
    public var stream: StreamName
    /// The position of its first event.
    public var first: UInt64
    public var createdAt: Timestamp
    /// The position of its last event.
    public var last: UInt64
    public var changedAt: Timestamp
    /// The revision of its last event, from 0.
    public var revision: UInt64

    public init(
        stream: StreamName, first: UInt64, createdAt: Timestamp, last: UInt64,
        changedAt: Timestamp, revision: UInt64
    ) {
        self.stream = stream
        self.first = first
        self.createdAt = createdAt
        self.last = last
        self.changedAt = changedAt
        self.revision = revision
    }
}

/// How the event store is doing.
public struct StoreStatistics: Codable, Hashable, Sendable {
    public var log: EventID
    /// The position of the last event: the number of events.
    public var head: UInt64
    public var streams: Int
    public var segments: Int
    /// Of records on disk.
    public var bytes: Int
    /// sync, interval or none.
    public var durability: String
    public var uptimeSeconds: Int
    /// Messages taken since the process began.
    public var requests: UInt64
    /// Appends made or repeated since the process began.
    public var appends: UInt64
    /// Groups of appends that were written, and synced if they are before they are answered, since
    /// the process began.
    public var commits: UInt64
    /// How long those took together.
    public var commitSeconds: Double
    /// Events sent to readers since the process began.
    public var eventsRead: UInt64
    /// Reads that are under way.
    public var openReads: Int
    /// Different prefixes of topics that were subscribed to at the feed.
    public var subscriptions: Int

    public init(
        log: EventID, head: UInt64, streams: Int, segments: Int, bytes: Int, durability: String,
        uptimeSeconds: Int, requests: UInt64, appends: UInt64, commits: UInt64,
        commitSeconds: Double, eventsRead: UInt64, openReads: Int, subscriptions: Int
    ) {
        self.log = log
        self.head = head
        self.streams = streams
        self.segments = segments
        self.bytes = bytes
        self.durability = durability
        self.uptimeSeconds = uptimeSeconds
        self.requests = requests
        self.appends = appends
        self.commits = commits
        self.commitSeconds = commitSeconds
        self.eventsRead = eventsRead
        self.openReads = openReads
        self.subscriptions = subscriptions
    }
}
