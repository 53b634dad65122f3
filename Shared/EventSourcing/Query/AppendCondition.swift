/// The condition of an append. If it does not hold, the store appends none of the events.
public struct AppendCondition: Hashable, Sendable {
    /// The condition on one stream, whether the append writes to it or not.
    public struct Stream: Hashable, Sendable {
        /// The name of the stream.
        public var name: StreamName
        /// The revision that the stream must be at.
        public var expected: ExpectedRevision

        /// Creates a condition on a stream.
        public init(_ name: StreamName, _ expected: ExpectedRevision) {
            self.name = name
            self.expected = expected
        }
    }

    /// The condition that no event after a position matches a query: a dynamic consistency
    /// boundary.
    public struct NoneMatching: Hashable, Sendable {
        /// The query that no event may match.
        public var query: EventQuery
        /// The position after which events count.
        public var after: UInt64

        /// Creates a condition on a query.
        public init(_ query: EventQuery, after position: UInt64) {
            self.query = query
            self.after = position
        }
    }

    /// The conditions on streams, all of which must hold.
    public var streams: [Stream]
    /// The condition on a query, or nil.
    public var noneMatching: NoneMatching?
    /// How the store marks the events as those of another log, or nil for new events.
    ///
    /// Each event then needs its original time. Only administrators may append history.
    public var history: History?

    /// Whether rules deliver history.
    public enum History: Hashable, Sendable {
        /// Rules do not deliver the events: what they led to is part of the history.
        case undelivered
        /// Rules deliver the events as they deliver new ones.
        case delivered
    }

    /// Creates a condition.
    public init(
        streams: [Stream] = [], noneMatching: NoneMatching? = nil, history: History? = nil
    ) {
        self.streams = streams
        self.noneMatching = noneMatching
        self.history = history
    }

    /// The condition that always holds.
    public static let any = AppendCondition()

    /// Returns the condition that a stream is at a revision.
    public static func stream(
        _ name: StreamName, _ expected: ExpectedRevision
    ) -> AppendCondition {
        AppendCondition(streams: [Stream(name, expected)])
    }
}

/// The revision that a stream must be at.
public enum ExpectedRevision: Hashable, Sendable {
    /// Any revision, and also no stream.
    case any
    /// The stream has no event.
    case noStream
    /// The stream has at least one event.
    case streamExists
    /// The last event of the stream has this revision.
    case revision(UInt64)
}

/// The answer to an append: the place of its events.
public struct Appended: Hashable, Sendable {
    /// The position of the first event. The others follow without a gap, unless `isRepeat`.
    public var first: UInt64
    /// The position of the last event.
    public var last: UInt64
    /// The revision of the append's last event in its stream.
    public var lastRevision: UInt64
    /// The time of commit.
    public var time: Timestamp
    /// Whether this append repeats an earlier one, so that its events were in the log already.
    public var isRepeat: Bool

    /// Creates the answer to an append.
    public init(
        first: UInt64, last: UInt64, lastRevision: UInt64, time: Timestamp, isRepeat: Bool
    ) {
        self.first = first
        self.last = last
        self.lastRevision = lastRevision
        self.time = time
        self.isRepeat = isRepeat
    }
}
