public import EventSourcing

/// The status of a projection.
public struct ProjectionStatus: Codable, Hashable, Sendable {
    /// The position of the last event that the read model includes.
    public var checkpoint: UInt64
    /// The path of the read model, a SQLite file.
    public var store: String
    /// The last rebuild since the process started, or nil.
    public var rebuild: RebuildStatus?
    /// What is missing because the projection can't read some events, or nil if nothing is.
    public var degraded: Degradation?
    /// How many of the events in the read model are amended, or nil for none.
    public var amendedEvents: Int?

    /// Creates a status.
    public init(
        checkpoint: UInt64, store: String, rebuild: RebuildStatus? = nil,
        degraded: Degradation? = nil, amendedEvents: Int? = nil
    ) {
        self.checkpoint = checkpoint
        self.store = store
        self.rebuild = rebuild
        self.degraded = degraded
        self.amendedEvents = amendedEvents
    }

    /// Returns an error message if the checkpoint is beyond the end of the log, or nil.
    ///
    /// This happens if the log has lost its end.
    ///
    /// - Parameter head: the position of the last event in the log.
    public func lead(over head: UInt64) -> String? {
        guard checkpoint > head else { return nil }
        return "the projection is at \(checkpoint), but the log has lost its end: it has only "
            + "\(head)"
    }
}

/// What is missing from a read model, because its projection can't read some events.
///
/// Each such event stops the entities that it may belong to. The read model answers queries of all
/// others.
public struct Degradation: Codable, Hashable, Sendable {
    /// How many events a degradation names.
    public static let namedEvents = 10

    /// The number of entities that have stopped.
    public var stoppedEntities: Int
    /// The number of events that the projection can't read.
    public var unreadableEvents: Int
    /// The first of these events, up to ``namedEvents``.
    public var first: [UnreadableEvent]

    /// Creates a description of what is missing.
    public init(stoppedEntities: Int, unreadableEvents: Int, first: [UnreadableEvent]) {
        self.stoppedEntities = stoppedEntities
        self.unreadableEvents = unreadableEvents
        self.first = first
    }

    /// The numbers, in one line.
    public var summary: String {
        "entities stopped: \(stoppedEntities), events that can't be read: \(unreadableEvents)"
    }

    /// The events, one line each, and how many more there are.
    public var lines: [String] {
        let more = unreadableEvents - first.count
        return first.map(\.description) + (more > 0 ? ["and \(more) more"] : [])
    }
}

/// The progress of a rebuild, or its result.
public struct RebuildStatus: Codable, Hashable, Sendable {
    /// Whether a rebuild runs, is done or has failed.
    public enum State: String, Codable, Sendable, CaseIterable { case running, done, failed }

    /// The id that the first caller chose for the rebuild.
    public var id: EventID
    /// Whether the rebuild runs, is done or has failed.
    public var state = State.running
    /// The position of the last event that the new read model includes.
    public var position: UInt64 = 0
    /// The checkpoint of the read model that answers queries meanwhile.
    public var target: UInt64
    /// How many events the rebuild has processed.
    public var events = 0
    /// Why the rebuild failed, or nil.
    public var reason: String?

    /// Creates the status of a running rebuild.
    public init(id: EventID, target: UInt64) {
        self.id = id
        self.target = target
    }

    /// Whether the rebuild still runs.
    public var isRunning: Bool { state == .running }
}
