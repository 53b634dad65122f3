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
        case .correlation: GroupKey(event.correlationID)
        case .stream: Self.key(of: event.stream.description)
        case .paths: paths?.text(in: event).map(Self.key) ?? GroupKey(event.id)
        case .unordered: GroupKey(event.id)
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
        if let id = EventID(label), grouping == .correlation || id == event { return GroupKey(id) }
        return Self.key(of: label)
    }

    /// Returns a key of 128 bits, which two texts do not share in practice.
    private static func key(of text: String) -> GroupKey { GroupKey(EventID.none.derived(text)) }
}

extension GroupKey {
    /// The key of an event that never was in its queue.
    static let none = GroupKey(high: 0, low: 0)

    init(_ id: EventID) { self.init(high: id.high, low: id.low) }
}
