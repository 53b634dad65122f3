import DequeModule
import EventSourcing

/// A cache of recently routed events. Most are delivered soon and then need no read from the log.
struct RecordCache {
    private static let maximumBytes = 32 << 20

    private var events: [UInt64: RecordedEvent] = [:]
    private var order: Deque<UInt64> = []
    private var bytes = 0
    /// How often the cache was emptied.
    private(set) var generation = 0

    subscript(position: UInt64) -> RecordedEvent? { events[position] }

    /// Removes all events, because one of them may have been amended.
    mutating func removeAll() {
        (events, order, bytes) = ([:], [], 0)
        generation += 1
    }

    /// Adds an event that was read when the cache was in `generation`. Does nothing if the cache
    /// was emptied since, because the event may have been amended since.
    mutating func insert(_ event: RecordedEvent, readIn generation: Int) {
        guard generation == self.generation, events[event.position] == nil else { return }
        // The other events of its chunk may match no rule, and must not stay in memory with it.
        events[event.position] = event.detached
        order.append(event.position)
        bytes += event.bytes.count
        while bytes > Self.maximumBytes, let oldest = order.popFirst() {
            bytes -= events.removeValue(forKey: oldest)?.bytes.count ?? 0
        }
    }
}
