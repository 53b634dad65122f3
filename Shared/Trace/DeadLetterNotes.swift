public import EventSourcing
import Foundation
import JSON
import WireProtocol

/// The dead letters among events, their redrives and discards, and notes on them for people.
public struct DeadLetterNotes: Sendable {
    /// The redrive of a dead letter.
    struct Redrive: Hashable, Sendable {
        /// The position of the event that records the redrive.
        let position: UInt64
        /// The receive count of the dead letter.
        let receives: Int
    }

    private struct Place: Hashable {
        let event: EventID
        let queue: String
    }

    /// The dead letters by the position of the event that records them.
    private var letters: [UInt64: DeadLetter] = [:]
    /// The redrives and discards by the position of the event that records them.
    private var closures: [UInt64: DeadLetterClosure] = [:]
    /// The ids of the dead letters that were redriven or discarded.
    private var closed: Set<UInt64> = []
    private var redrives: [Place: [Redrive]] = [:]

    /// Collects the dead letters among events.
    ///
    /// - Parameter events: all events of an order or conversation, in log order.
    public init(_ events: [RecordedEvent]) {
        for event in events {
            switch Self.kind(of: event) {
            case .deadLettered:
                letters[event.position] = Self.decode(DeadLetter.self, event)
            case .deadLetterRedriven, .deadLetterDiscarded:
                closures[event.position] = Self.decode(DeadLetterClosure.self, event)
            default: break
            }
        }
        closed = Set(closures.values.map(\.deadLetter))
        for event in events where Self.kind(of: event) == .deadLetterRedriven {
            guard let closure = closures[event.position], let letter = letters[closure.deadLetter]
            else {
                continue
            }
            redrives[Place(event: letter.event, queue: letter.queue), default: []]
                .append(Redrive(position: event.position, receives: letter.receives))
        }
    }

    /// Returns the dead letter that the event records, or nil.
    func letter(in event: RecordedEvent) -> DeadLetter? { letters[event.position] }

    /// Returns the redrive or discard that the event records, or nil.
    func closure(in event: RecordedEvent) -> DeadLetterClosure? { closures[event.position] }

    /// Returns the redrives of the event into the queue, in log order.
    func redrives(of event: EventID, in queue: String) -> [Redrive] {
        redrives[Place(event: event, queue: queue)] ?? []
    }

    /// Returns a note on an event for people, or nil if the event does not concern a dead letter.
    public func note(on event: RecordedEvent) -> String? {
        guard let kind = Self.kind(of: event) else { return nil }
        if let letter = letters[event.position] {
            let death = Self.death(letter)
            guard !closed.contains(event.position) else { return death }
            return death
                + "; waiting in its dead-letter queue (event-store dlq show \(event.position))"
        }
        guard let closure = closures[event.position] else { return "its data can't be read" }
        let actor = EventMetadata(of: event)?.actor ?? "somebody"
        guard kind == .deadLetterDiscarded else { return "put back into its queue by \(actor)" }
        return "discarded by \(actor)" + (closure.reason.map { ": \($0)" } ?? "")
    }

    private static func death(_ letter: DeadLetter) -> String {
        let error = letter.error.map { ": \($0)" } ?? ""
        return switch letter.cause {
        case .maximumReceives:
            "\(letter.queue) could not handle \(letter.type) after \(letter.receives) receives"
                + error
        case .maximumAge:
            "\(letter.queue) did not handle \(letter.type) in time, after \(letter.receives) "
                + "receives" + error
        case .targetNotFound:
            "there was no queue '\(letter.queue)' for \(letter.type)"
        case .unreadable:
            "\(letter.queue) can't read \(letter.type)" + error
        }
    }

    /// Returns the type of an event about a dead letter, or nil for other events.
    private static func kind(of event: RecordedEvent) -> BusEventType? {
        guard event.category == BusCategory.deadLetter else { return nil }
        return BusEventType(rawValue: event.type)
    }

    /// Returns the decoded data of the event, or nil if it can't be read.
    ///
    /// The data may not come from the bus, because clients with the permission can append to its
    /// streams, too.
    private static func decode<Value: Decodable>(
        _ type: Value.Type, _ event: RecordedEvent
    ) -> Value? {
        try? JSON.decode(type, from: event.data)
    }
}
