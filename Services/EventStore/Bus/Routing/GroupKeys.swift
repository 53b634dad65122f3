import EventPattern
import EventSourcing
import WireProtocol

/// Tells which group of a queue an event belongs to.
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

    /// The group as people know it.
    func label(of event: RecordedEvent) -> String {
        switch grouping {
        case .correlation: event.correlationID.description
        case .stream: event.stream.description
        case .paths: paths?.text(in: event) ?? event.id.description
        case .unordered: event.id.description
        }
    }

    /// The key of the group that `label` names, of which `event` is one.
    func key(ofLabel label: String, event: EventID) -> GroupKey {
        if let id = EventID(label), grouping == .correlation || id == event { return GroupKey(id) }
        return Self.key(of: label)
    }

    /// 128 bits that two texts do not share.
    private static func key(of text: String) -> GroupKey { GroupKey(EventID.none.derived(text)) }
}

extension GroupKey {
    /// Of an event that never was in its queue.
    static let none = GroupKey(high: 0, low: 0)

    init(_ id: EventID) { self.init(high: id.high, low: id.low) }
}

extension RecordedEvent {
    /// Whether the event tells of the bus itself, or of another part of the store.
    var isOfStore: Bool { bytes[bytes.startIndex + RecordLayout.headerSize] == UInt8(ascii: "$") }
}
