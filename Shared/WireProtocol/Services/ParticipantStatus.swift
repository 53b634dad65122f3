/// How a participant is doing.
public struct ParticipantStatus: Codable, Hashable, Sendable {
    public enum State: String, Codable, Sendable {
        /// For its queue, or for the event store.
        case waiting
        case running
    }

    /// The queue that it takes its events from, named as it is.
    public var queue: String
    public var state: State
    /// How many events it has handled since the process began.
    public var handled: Int
    /// How often it could not handle one since then.
    public var failed: Int
    /// The last event that it could not handle since then, and why.
    public var lastFailure: String?
    public var store: String

    public init(
        queue: String, state: State, handled: Int, failed: Int, lastFailure: String? = nil,
        store: String
    ) {
        self.queue = queue
        self.state = state
        self.handled = handled
        self.failed = failed
        self.lastFailure = lastFailure
        self.store = store
    }
}
