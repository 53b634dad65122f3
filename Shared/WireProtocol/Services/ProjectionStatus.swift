public import EventSourcing

/// How far a projection has come.
public struct ProjectionStatus: Codable, Hashable, Sendable {
    public var checkpoint: UInt64
    public var store: String
    /// The last rebuild since the process began, if there was one.
    public var rebuild: RebuildStatus?
    /// Why it follows the log no more, if it does not: an event that it can't read.
    public var stopped: String?

    public init(
        checkpoint: UInt64, store: String, rebuild: RebuildStatus? = nil, stopped: String? = nil
    ) {
        self.checkpoint = checkpoint
        self.store = store
        self.rebuild = rebuild
        self.stopped = stopped
    }

    /// What is wrong if it has seen more than the log has: nil if that is not so.
    public func lead(over head: UInt64) -> String? {
        guard checkpoint > head else { return nil }
        return "the projection is at \(checkpoint), but the log has lost its end: it has only "
            + "\(head)"
    }
}

/// How far a rebuild has come, or how it ended.
public struct RebuildStatus: Codable, Hashable, Sendable {
    public enum State: String, Codable, Sendable { case running, done, failed }

    /// Chosen by whoever asked for it first.
    public var id: EventID
    public var state = State.running
    /// Every event up to here has been worked in.
    public var position: UInt64 = 0
    /// Where the projection that serves is.
    public var target: UInt64
    /// How many events were worked in.
    public var events = 0
    /// Why it failed, if it did.
    public var reason: String?

    public init(id: EventID, position: UInt64 = 0, target: UInt64, reason: String? = nil) {
        self.id = id
        self.position = position
        self.target = target
        self.reason = reason
    }

    public var isRunning: Bool { state == .running }
}
