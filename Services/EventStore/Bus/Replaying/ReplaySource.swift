import EventSourcing
import EventStoreClient
import WireProtocol

/// A source of events for a replay, in the order of the log.
protocol ReplaySource: Sendable {
    /// Returns the positions of the first and the last event of the window, or nil if it is empty.
    func window() async throws -> ClosedRange<UInt64>?

    /// Returns the events after `position`, up to `last`.
    func batches(
        after position: UInt64, through last: UInt64
    ) -> any AsyncSequence<EventBatch, any Error>
}

/// The log, read by a query that covers the replay's pattern and may return other events.
struct LogSource: ReplaySource {
    let client: EventStoreClient
    let query: EventQuery
    let since: Timestamp
    let until: Timestamp
    /// The last position of the window.
    let last: UInt64

    func window() async throws -> ClosedRange<UInt64>? {
        guard last > 0 else { return nil }
        func end(_ direction: ReadRequest.Direction) async throws -> UInt64? {
            let request = ReadRequest(
                query, direction: direction, from: direction == .forwards ? 1 : last,
                to: direction == .forwards ? last : 1, since: since, before: until, limit: 1)
            for try await event in client.read(request).events { return event.position }
            return nil
        }
        guard let first = try await end(.forwards), let last = try await end(.backwards) else {
            return nil
        }
        return first...last
    }

    func batches(
        after position: UInt64, through last: UInt64
    ) -> any AsyncSequence<EventBatch, any Error> {
        client.read(ReadRequest(query, from: position + 1, to: last, since: since, before: until))
    }
}
