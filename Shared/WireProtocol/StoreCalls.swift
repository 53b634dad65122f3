public import EventSourcing

/// The calls that the event store answers.
public enum StoreCall {
    /// Changes how an event is read from now on. Argument: ``CommandRequest`` of ``AmendEvent``.
    /// Answer: ``CommandReply``.
    public static let amend = "amend"
    /// Returns the positions of the amended events, ascending. Argument: none. Answer: a list.
    public static let amendedPositions = "amendedPositions"
    /// Returns the head and the hash of the log. Argument: none. Answer: ``LogHead``.
    public static let chain = "chain"
    /// Returns an event by its id. Argument: the id as text. Answer: its record, or nothing.
    public static let event = "event"
    /// Returns streams in the order of their first events. Argument: ``StreamsRequest``. Answer: a
    /// list of ``StreamEntry``.
    public static let streams = "streams"
    /// Returns figures of the store. Argument: none. Answer: ``StoreStatistics``.
    public static let statistics = "statistics"
    /// Ends the amendment of an event. Argument: ``CommandRequest`` of ``UndoAmendment``. Answer:
    /// ``CommandReply``.
    public static let undoAmendment = "undoAmendment"

    /// The names of all calls.
    public static let all = [
        amend, amendedPositions, chain, event, statistics, streams, undoAmendment,
    ]
}

/// The end of a log, and the hash of everything in it.
public struct LogHead: Codable, Hashable, Sendable {
    /// The identity of the log.
    public var log: EventID
    /// The position of the last event, or 0 for an empty log.
    public var position: UInt64
    /// The time of the last event, or nil for an empty log.
    public var time: Timestamp?
    /// The hash of the log's chain at the position, as 64 hexadecimal digits.
    public var hash: String

    /// Creates the head of a log.
    public init(log: EventID, position: UInt64, time: Timestamp?, hash: String) {
        self.log = log
        self.position = position
        self.time = time
        self.hash = hash
    }
}

/// A request for the log's streams, in the order of their first events.
public struct StreamsRequest: Codable, Hashable, Sendable {
    /// The largest number of streams in one answer.
    public static let maximumLimit = 500

    /// The category of the streams, or nil for all streams.
    public var category: String?
    /// Only streams whose first event has a higher position.
    public var after: UInt64
    /// The maximum number of streams, up to ``maximumLimit``.
    public var limit: Int

    /// Creates a request for streams.
    public init(category: String? = nil, after: UInt64 = 0, limit: Int = maximumLimit) {
        self.category = category
        self.after = after
        self.limit = limit
    }
}

/// The figures of a running event store.
public struct StoreStatistics: Codable, Hashable, Sendable {
    /// The identity of the log.
    public var log: EventID
    /// The position of the last event, which is the number of events.
    public var head: UInt64 = 0
    /// The number of streams.
    public var streams = 0
    /// The number of events that are read with other data or skipped. Nil from an earlier version.
    public var amendedEvents: Int?
    /// The number of segment files.
    public var segments = 0
    /// The size of all records on disk, in bytes.
    public var bytes = 0
    /// The durability mode: `sync`, `interval` or `none`.
    public var durability: String
    /// The time since the process started, in seconds.
    public var uptimeSeconds = 0
    /// The messages received since the process started.
    public var requests: UInt64 = 0
    /// The appends made or repeated since the process started.
    public var appends: UInt64 = 0
    /// The batches of appends written since the process started.
    ///
    /// In `sync` durability, a commit includes the sync of its batch.
    public var commits: UInt64 = 0
    /// The total duration of those commits, in seconds.
    public var commitSeconds = 0.0
    /// The events sent to readers since the process started.
    public var eventsRead: UInt64 = 0
    /// The number of open reads.
    public var openReads = 0
    /// The number of different topic prefixes that the feed's subscribers use.
    public var subscriptions = 0

    /// Creates the figures of a store that has just started.
    public init(log: EventID, durability: String) {
        self.log = log
        self.durability = durability
    }
}
