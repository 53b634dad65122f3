import EventSourcing
import EventStoreClient
import JSON
import WireProtocol

/// A change of how an event is read: an amendment, or the end of one.
struct AmendmentNotice: Sendable {
    /// The position of the event that makes the change.
    let position: UInt64
    /// The amended event, as it is read since the change or a later one.
    let event: RecordedEvent
}

/// The events that say how other events are read, in streams `$amendment-<id of that event>`.
///
/// The event store applies them to every read. What a service has computed from earlier reads is
/// out of date, so it follows these events.
enum Amendments {
    /// The category of the streams.
    private static let category = "$amendment"
    /// How the records of the category continue after their fixed part.
    private static let start = Array("\(category)-".utf8)

    /// The query of these events.
    static let query = EventQuery.categories([category])

    /// The member by which all their types name the event. Positions may be those of another log.
    private struct Content: Decodable {
        var event: EventID
    }

    /// Returns whether the record is of the category, without decoding its stream.
    static func contain(_ record: RecordedEvent) -> Bool {
        record.bytes.dropFirst(RecordLayout.headerSize).starts(with: start)
    }

    /// Returns what the record changes. Returns nil if it changes nothing, because its data can't
    /// be read or names no event: the event store does not apply it, either.
    static func notice(
        _ record: RecordedEvent, _ client: EventStoreClient
    ) async throws -> AmendmentNotice? {
        guard let content = try? JSON.decode(Content.self, from: record.data),
            record.stream.id == content.event.description,
            let event = try await client.event(id: content.event),
            event.position < record.position
        else { return nil }
        return AmendmentNotice(position: record.position, event: event)
    }

    /// Returns all changes after `position`, in log order.
    static func notices(
        after position: UInt64, _ client: EventStoreClient
    ) async throws -> [AmendmentNotice] {
        var notices: [AmendmentNotice] = []
        for try await record in client.read(ReadRequest(query, from: position + 1)).events {
            if let notice = try await notice(record, client) { notices.append(notice) }
        }
        return notices
    }

    /// Returns the position of the last of these events, or 0 without one. Returns nil if the key
    /// of the process does not permit to read them.
    static func last(_ client: EventStoreClient) async throws -> UInt64? {
        do {
            return try await client.last(of: query)?.position ?? 0
        } catch let error as ProtocolError where error.code == .denied {
            return nil
        }
    }
}
