public import EventSourcing
import WireProtocol

extension EventStoreClient {
    /// Returns the whole conversations of the events that match `query`, in log order.
    ///
    /// - Parameter moment: a moment in the past, or nil for now. Later events are left out.
    /// - Throws: `rejected` for a moment in the future.
    public func conversations(
        of query: EventQuery, asOf moment: Moment? = nil, timeout: Duration = .seconds(30)
    ) async throws -> [RecordedEvent] {
        var found: Set<EventID> = []
        for try await event in try await read(query, asOf: moment, timeout: timeout).events {
            found.insert(event.correlationID)
        }
        guard !found.isEmpty else { return [] }
        let ids = found.sorted()
        let items = stride(from: 0, to: ids.count, by: EventQuery.wireLimit).map { start in
            EventQuery.Item(correlations: Array(ids[start...].prefix(EventQuery.wireLimit)))
        }
        var events: [RecordedEvent] = []
        let whole = try await read(EventQuery(items), asOf: moment, timeout: timeout)
        for try await event in whole.events { events.append(event) }
        return events
    }
}
