/// What must hold of the log for an append to be made; otherwise none of its events is appended.
public struct AppendCondition: Hashable, Sendable {
    /// What must hold of one stream, written to by the append or not.
    public struct Stream: Hashable, Sendable {
        public var name: StreamName
        public var expected: ExpectedRevision

        public init(_ name: StreamName, _ expected: ExpectedRevision) {
            self.name = name
            self.expected = expected
        }
    }

    /// No event after `position` matches `query`: a dynamic consistency boundary.
    public struct NoneMatching: Hashable, Sendable {
        public var query: EventQuery
        public var after: UInt64

        public init(_ query: EventQuery, after position: UInt64) {
            self.query = query
            self.after = position
        }
    }

    public var streams: [Stream]
    public var noneMatching: NoneMatching?

    public init(streams: [Stream] = [], noneMatching: NoneMatching? = nil) {
        self.streams = streams
        self.noneMatching = noneMatching
    }

    /// Nothing need hold.
    public static let any = AppendCondition()

    public static func stream(
        _ name: StreamName, _ expected: ExpectedRevision
    ) -> AppendCondition {
        AppendCondition(streams: [Stream(name, expected)])
    }
}

/// Where a stream must end.
public enum ExpectedRevision: Hashable, Sendable {
    case any
    /// The stream has no event.
    case noStream
    /// The stream has at least one event.
    case streamExists
    /// The last event of the stream has this revision.
    case revision(UInt64)
}

/// The answer to an append: where its events are.
public struct Appended: Hashable, Sendable {
    /// The position of the first event; the others follow without a gap, unless `isRepeat`.
    public var first: UInt64
    public var last: UInt64
    /// The revision of the append's last event in its stream.
    public var lastRevision: UInt64
    /// When the events were committed.
    public var time: Timestamp
    /// The events were in the log already: this append is a repetition of an earlier one.
    public var isRepeat: Bool

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
