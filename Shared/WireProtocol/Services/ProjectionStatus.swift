public import EventSourcing

/// The status of a projection.
public struct ProjectionStatus: Codable, Hashable, Sendable {
    /// The position of the last event that the read model includes.
    public var checkpoint: UInt64
    /// The path of the read model, a SQLite file.
    public var store: String
    /// The last rebuild since the process started, or nil.
    public var rebuild: RebuildStatus?
    /// Why the projection has stopped at an event that it can't read, or nil if it follows the log.
    public var stopped: String?

    /// Creates a status.
    public init(
        checkpoint: UInt64, store: String, rebuild: RebuildStatus? = nil, stopped: String? = nil
    ) {
        self.checkpoint = checkpoint
        self.store = store
        self.rebuild = rebuild
        self.stopped = stopped
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
