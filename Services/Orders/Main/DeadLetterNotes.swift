import EventSourcing
import Foundation
import ServiceKit
import WireProtocol

/// What is to be said of an order's events that could not be delivered.
struct DeadLetterNotes {
    private let ended: Swift.Set<UInt64>

    /// - Parameter events: all of the order.
    init(_ events: [RecordedEvent]) throws {
        ended = Swift.Set(
            try events.filter { BusEventType.ends.contains($0.type) }.map {
                try Self.decode(DeadLetterEnd.self, $0.data).deadLetter
            })
    }

    /// Nil for an event that is not about a dead letter.
    func note(on event: RecordedEvent) throws -> String? {
        switch BusEventType(rawValue: event.type) {
        case .deadLettered:
            let death = Self.death(try Self.decode(DeadLetter.self, event.data))
            guard !ended.contains(event.position) else { return death }
            return death
                + "; waiting in its dead-letter queue (event-store dlq show \(event.position))"
        case .deadLetterRedriven:
            return "put back into its queue by \(try Self.actor(of: event))"
        case .deadLetterDiscarded:
            let reason = try Self.decode(DeadLetterEnd.self, event.data).reason
            return "given up by \(try Self.actor(of: event))" + (reason.map { ": \($0)" } ?? "")
        default:
            return nil
        }
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

    private static func actor(of event: RecordedEvent) throws -> String {
        try decode(EventMetadata.self, event.metadata).actor
    }

    private static func decode<Value: Decodable>(
        _ type: Value.Type, _ bytes: ArraySlice<UInt8>
    ) throws -> Value {
        try JSONDecoder().decode(type, from: Data(bytes))
    }
}

extension BusEventType {
    fileprivate static let ends = [deadLetterRedriven, deadLetterDiscarded].map(\.rawValue)
}
