package import EventSourcing
import Foundation

/// The question to a service what it would do if some events happened, of which none has.
///
/// Whoever rehearses a reversal asks every service, adds what each would append, and asks again
/// until none would append more: so all that would follow is known, and nothing is done.
package struct Rehearsal: Codable, Sendable {
    /// The name of the call that carries it.
    package static let name = "rehearse"

    /// What begins it; for the service that would carry it out. Of others only what follows is
    /// asked.
    package var reversal: ReverseEvent?
    /// In the order in which they would happen.
    package var events: [RehearsedEvent] = []

    package init(reversal: ReverseEvent? = nil, events: [RehearsedEvent] = []) {
        self.reversal = reversal
        self.events = events
    }
}

/// An event that has not happened.
package struct RehearsedEvent: Codable, Hashable, Sendable {
    package var id: EventID
    package var stream: StreamName
    package var type: String
    /// The event that would lead to it, in the log or rehearsed too.
    package var causationID: EventID
    var correlationID: EventID
    /// The service that would append it.
    package var service: String
    /// JSON.
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

    /// The event, if the family has it.
    func decoded<Event: EventFamily>(_ family: Event.Type) throws -> Event? {
        guard Event.categories.contains(stream.category) else { return nil }
        return try Event(type: type, data: Array(data.utf8)[...])
    }
}

/// What a service answers.
package struct RehearsalAnswer: Codable, Sendable {
    /// What it would append beside what is known already.
    package var events: [RehearsedEvent] = []
    /// What would become of what it shows.
    package var changes: [EntityChange] = []
}

/// What would become of something that a service shows.
package struct EntityChange: Codable, Hashable, Sendable {
    /// Its id.
    package var entity: String
    package var fields: [FieldChange]
}
