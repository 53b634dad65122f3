package import EventSourcing
import Foundation

/// The request to a service for the events that it would append if some events happened.
///
/// A dry run of a reversal asks every service, adds the events of the answers, and asks again until
/// no service would append more. Then it knows all consequences, and nothing has been appended.
package struct Rehearsal: Codable, Sendable {
    /// The name of the call.
    package static let name = "rehearse"

    /// The reversal to rehearse, in the request to the service that would execute it. Nil in
    /// requests for consequences.
    package var reversal: ReverseEvent?
    /// The rehearsed events so far, in the order in which they would happen.
    package var events: [RehearsedEvent] = []
    /// The streams of the conversation. Their events may be in flight, and so may those of the
    /// rehearsed events' streams. Nil in requests of earlier versions.
    package var streams: [StreamName]?

    package init(
        reversal: ReverseEvent? = nil, events: [RehearsedEvent] = [], streams: [StreamName]? = nil
    ) {
        self.reversal = reversal
        self.events = events
        self.streams = streams
    }
}

/// An event that a rehearsal predicts and that is not in the log.
package struct RehearsedEvent: Codable, Hashable, Sendable {
    /// The id, which derives from the cause.
    package var id: EventID
    /// The stream that the event would be appended to.
    package var stream: StreamName
    /// The type, such as `MoneyWithdrawn`.
    package var type: String
    /// The id of the event that would cause this one. It is in the log or rehearsed.
    package var causationID: EventID
    /// The id of the conversation.
    var correlationID: EventID
    /// The name of the service that would append the event.
    package var service: String
    /// The data as JSON.
    var data: String

    init(
        _ event: some PublishedEvent, id: EventID, stream: StreamName, causationID: EventID,
        correlationID: EventID, service: String
    ) throws {
        self.id = id
        self.stream = stream
        type = event.type
        self.causationID = causationID
        self.correlationID = correlationID
        self.service = service
        data = String(decoding: try event.encoded(), as: UTF8.self)
    }

    /// Returns the event, or nil if the family does not contain it.
    package func decoded<Event: EventFamily>(_ family: Event.Type) throws -> Event? {
        guard Event.categories.contains(stream.category) else { return nil }
        return try Event(type: type, data: Array(data.utf8)[...])
    }
}

/// The answer of a service to a rehearsal.
package struct RehearsalAnswer: Codable, Sendable {
    /// The events that the service would append, except those in the request.
    package var events: [RehearsedEvent] = []
    /// How the entities that the service shows would change.
    package var changes: [EntityChange] = []
    /// The events to which the service has still to react: sagas of the entities are under way. Nil
    /// in answers of services without a participant, and of earlier versions.
    package var inFlight: [UnhandledEvent]?
    /// The position of the last event in the streams when the service looked for events in flight.
    /// If the answers of two services differ in it, an event came between them.
    package var last: UInt64?
}

/// An event in the log to which a service has still to react.
package struct UnhandledEvent: Codable, Hashable, Sendable {
    /// The position of the event.
    package var position: UInt64
    /// The type of the event.
    package var type: String
    /// The stream of the event.
    package var stream: StreamName
    /// The name of the service that has still to react.
    package var service: String

    init(_ record: RecordedEvent, service: String) {
        position = record.position
        type = record.type
        stream = record.stream
        self.service = service
    }
}

/// How an entity that a service shows would change.
package struct EntityChange: Codable, Hashable, Sendable {
    /// The id of the entity.
    package var entity: String
    /// The fields that would change.
    package var fields: [FieldChange]
}
