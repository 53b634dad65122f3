public import EventSourcing

/// The command to undo an event, by what happens next.
public struct ReverseEvent: Codable, Hashable, Sendable {
    /// The name of the call that carries it.
    public static let name = "ReverseEvent"

    public var event: EventID
    public var reason: String

    public init(event: EventID, reason: String) {
        self.event = event
        self.reason = reason
    }
}
