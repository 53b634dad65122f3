import EventSourcing
import WireProtocol

extension QueueStart {
    /// The time of the first event that a queue with this start can have.
    var firstTime: Timestamp {
        if case .time(let time) = self { time } else { .distantPast }
    }

    /// Whether a queue with this start can have the event.
    func isBefore(_ event: RecordedEvent) -> Bool {
        switch self {
        case .end, .beginning: true
        case .position(let first): event.position >= first
        case .time(let first): event.occurredAt >= first
        }
    }
}
