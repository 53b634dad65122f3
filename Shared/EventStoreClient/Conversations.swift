public import EventSourcing
import WireProtocol

extension EventStoreClient {
    /// The whole conversations of the events that match `query`, in the order of the log.
    ///
    /// - Parameter moment: with what had been committed by then; nil is now.
    /// - Throws: `rejected` for a moment that is still to come.
    public func conversations(
        of query: EventQuery, asOf moment: Moment? = nil, timeout: Duration = .seconds(30)
    ) async throws -> [RecordedEvent] {
        var ids: Set<EventID> = []
        for try await event in try await read(query, asOf: moment, timeout: timeout).events {
            ids.insert(event.correlationID)
        }
        guard !ids.isEmpty else { return [] }
        var items: [EventQuery.Item] = []
        var rest = ids.sorted()[...]
        while !rest.isEmpty {
            items.append(.init(correlations: Array(rest.prefix(EventQuery.wireLimit))))
            rest = rest.dropFirst(EventQuery.wireLimit)
        }
        var events: [RecordedEvent] = []
        let whole = try await read(EventQuery(items), asOf: moment, timeout: timeout)
        for try await event in whole.events { events.append(event) }
        return events
    }
}
