import EventSourcing
import Foundation

/// The question to a service what it would do if some events happened, of which none has.
///
/// Whoever rehearses a reversal asks every service, adds what each would append, and asks again
/// until none would append more: so all that would follow is known, and nothing is done.
struct Rehearsal: Codable, Sendable {
    /// The name of the call that carries it.
    static let name = "rehearse"

    /// What begins it; for the service that would carry it out. Of others only what follows is
    /// asked.
    var reversal: ReverseEvent?
    /// In the order in which they would happen.
    var events: [RehearsedEvent] = []
}

/// An event that has not happened.
struct RehearsedEvent: Codable, Hashable, Sendable {
    var id: EventID
    var stream: StreamName
    var type: String
    /// The event that would lead to it, in the log or rehearsed too.
    var causationID: EventID
    var correlationID: EventID
    /// The service that would append it.
    var service: String
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
struct RehearsalAnswer: Codable, Sendable {
    /// What it would append beside what is known already.
    var events: [RehearsedEvent] = []
    /// What would become of what it shows.
    var changes: [EntityChange] = []
}

/// What would become of something that a service shows.
struct EntityChange: Codable, Hashable, Sendable {
    /// Its id.
    var entity: String
    var fields: [FieldChange]
}
