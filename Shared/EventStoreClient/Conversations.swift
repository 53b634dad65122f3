public import EventSourcing
import WireProtocol

extension EventStoreClient {
    /// Returns the whole conversations of the events that match `query`, in log order.
    ///
    /// - Parameters:
    ///   - moment: a moment in the past, or nil for now. Later events are left out.
    ///   - timeout: how long to wait for a chunk, or nil for the client's timeout.
    /// - Throws: `rejected` for a moment in the future.
    public func conversations(
        of query: EventQuery, asOf moment: Moment? = nil, timeout: Duration? = nil
    ) async throws -> [RecordedEvent] {
        var found: Set<EventID> = []
        for try await event in try await read(query, asOf: moment, timeout: timeout).events {
            found.insert(event.correlationID)
        }
        guard !found.isEmpty else { return [] }
        let ids = found.sorted()
        var events: [RecordedEvent] = []
        for start in stride(from: 0, to: ids.count, by: EventQuery.wireNames) {
            let part = ids[start...].prefix(EventQuery.wireNames)
            let items = stride(from: part.startIndex, to: part.endIndex, by: EventQuery.wireLimit)
                .map {
                    EventQuery.Item(correlations: Array(part[$0...].prefix(EventQuery.wireLimit)))
                }
            let whole = try await read(EventQuery(items), asOf: moment, timeout: timeout)
            for try await event in whole.events { events.append(event) }
        }
        // Each event is in one conversation only, but parts overlap in the log.
        if ids.count > EventQuery.wireNames { events.sort { $0.position < $1.position } }
        return events
    }
}
