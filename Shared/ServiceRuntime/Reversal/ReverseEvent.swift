public import EventSourcing

/// The command to undo an event by appending further events.
public struct ReverseEvent: Codable, Hashable, Sendable {
    /// The name of the call.
    public static let name = "ReverseEvent"

    /// The id of the event to undo.
    public var event: EventID
    /// Why the event is undone, in the caller's words.
    public var reason: String

    /// Creates a command to undo the event.
    public init(event: EventID, reason: String) {
        self.event = event
        self.reason = reason
    }
}
