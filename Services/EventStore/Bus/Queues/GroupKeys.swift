import EventPattern
import EventSourcing
import WireProtocol

/// Computes the group of a queue to which an event belongs.
struct GroupKeys {
    private let grouping: Grouping
    private let paths: DataPaths?

    init(_ grouping: Grouping) {
        self.grouping = grouping
        if case .paths(let paths) = grouping { self.paths = DataPaths(paths) } else { paths = nil }
    }

    func key(of event: RecordedEvent) -> GroupKey {
        switch grouping {
        case .correlation: event.correlationID
        case .stream: Self.key(of: event.stream.description)
        case .paths: paths?.text(in: event).map(Self.key) ?? event.id
        case .unordered: event.id
        }
    }

    /// Returns the name of the group for people.
    func label(of event: RecordedEvent) -> String {
        switch grouping {
        case .correlation: event.correlationID.description
        case .stream: event.stream.description
        case .paths: paths?.text(in: event) ?? event.id.description
        case .unordered: event.id.description
        }
    }

    /// Returns the key of the group with this label, to which `event` belongs.
    func key(ofLabel label: String, event: EventID) -> GroupKey {
        if let id = EventID(label), grouping == .correlation || id == event { return id }
        return Self.key(of: label)
    }

    /// Returns a key of 128 bits, which two texts do not share in practice.
    private static func key(of text: String) -> GroupKey { EventID.none.derived(text) }
}
