/// The status of a saga participant.
public struct ParticipantStatus: Codable, Hashable, Sendable {
    /// Whether a participant takes events.
    public enum State: String, Codable, Sendable, CaseIterable {
        /// The participant waits for its queue or for the event store.
        case waiting
        /// The participant takes events from its queue.
        case running
    }

    /// The queue that the participant takes events from. It has the participant's name.
    public var queue: String
    /// Whether the participant takes events.
    public var state = State.waiting
    /// How many events the participant has handled since the process started.
    public var handled = 0
    /// How often the participant has failed to handle an event since the process started.
    public var failed = 0
    /// The last event that the participant failed to handle since the process started, and why.
    public var lastFailure: String?
    /// The path of the participant's memory, a SQLite file.
    public var store: String

    /// Creates the status of a participant that has just started.
    public init(queue: String, store: String) {
        self.queue = queue
        self.store = store
    }
}
