import DequeModule
import EventSourcing

/// A cache of recently routed events. Most are delivered soon and then need no read from the log.
struct RecordCache {
    private static let maximumBytes = 32 << 20

    private var events: [UInt64: RecordedEvent] = [:]
    private var order: Deque<UInt64> = []
    private var bytes = 0

    subscript(position: UInt64) -> RecordedEvent? { events[position] }

    /// Removes all events, because one of them may have been amended.
    mutating func removeAll() { self = RecordCache() }

    mutating func insert(_ event: RecordedEvent) {
        guard events.updateValue(event, forKey: event.position) == nil else { return }
        order.append(event.position)
        bytes += event.bytes.count
        while bytes > Self.maximumBytes, let oldest = order.popFirst() {
            bytes -= events.removeValue(forKey: oldest)?.bytes.count ?? 0
        }
    }
}
