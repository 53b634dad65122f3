public import EventSourcing
import Foundation
import JSON
import WireProtocol

/// What the bus has told of events that could not be delivered, and what is to be said of it.
public struct DeadLetterNotes: Sendable {
    /// A dead letter that was put back into its queue.
    struct Redrive: Hashable, Sendable {
        /// Where the log says so.
        let position: UInt64
        /// How often the event had been received before.
        let receives: Int
    }

    private struct Place: Hashable {
        let event: EventID
        let queue: String
    }

    /// By the position of the event that tells of it.
    private var letters: [UInt64: DeadLetter] = [:]
    private var ends: [UInt64: DeadLetterEnd] = [:]
    /// The positions of letters that are ended.
    private var ended: Set<UInt64> = []
    private var redrives: [Place: [Redrive]] = [:]

    /// - Parameter events: all of an order, or of a conversation, in the order of the log.
    public init(_ events: [RecordedEvent]) {
        for event in events {
            switch Self.kind(of: event) {
            case .deadLettered:
                letters[event.position] = Self.decode(DeadLetter.self, event)
            case .deadLetterRedriven, .deadLetterDiscarded:
                ends[event.position] = Self.decode(DeadLetterEnd.self, event)
            default: break
            }
        }
        ended = Set(ends.values.map(\.deadLetter))
        for event in events where Self.kind(of: event) == .deadLetterRedriven {
            guard let end = ends[event.position], let letter = letters[end.deadLetter] else {
                continue
            }
            redrives[Place(event: letter.event, queue: letter.queue), default: []]
                .append(Redrive(position: event.position, receives: letter.receives))
        }
    }

    /// What died, if the event tells of a death.
    func letter(told event: RecordedEvent) -> DeadLetter? { letters[event.position] }

    /// What ended, if the event tells of a dead letter's end.
    func end(told event: RecordedEvent) -> DeadLetterEnd? { ends[event.position] }

    /// How often the event was put back into the queue.
    func redrives(of event: EventID, in queue: String) -> [Redrive] {
        redrives[Place(event: event, queue: queue)] ?? []
    }

    /// Nil for an event that is not about a dead letter.
    public func note(on event: RecordedEvent) -> String? {
        guard let kind = Self.kind(of: event) else { return nil }
        if let letter = letters[event.position] {
            let death = Self.death(letter)
            guard !ended.contains(event.position) else { return death }
            return death
                + "; waiting in its dead-letter queue (event-store dlq show \(event.position))"
        }
        guard let end = ends[event.position] else { return "its data can't be read" }
        let actor = EventMetadata(of: event)?.actor ?? "somebody"
        guard kind == .deadLetterDiscarded else { return "put back into its queue by \(actor)" }
        return "given up by \(actor)" + (end.reason.map { ": \($0)" } ?? "")
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
            "there was no queue '\(letter.queue)' to put \(letter.type) into"
        }
    }

    /// Nil for an event that is not about a dead letter.
    private static func kind(of event: RecordedEvent) -> BusEventType? {
        guard event.category == BusCategory.deadLetter else { return nil }
        return BusEventType(rawValue: event.type)
    }

    /// Nil if it can't be read: anyone may append to the bus's streams.
    private static func decode<Value: Decodable>(
        _ type: Value.Type, _ event: RecordedEvent
    ) -> Value? {
        try? JSON.decode(type, from: event.data)
    }
}
