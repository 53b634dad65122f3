import ArgumentParser
public import EventSourcing
import EventStoreClient
import WireProtocol

/// An event, as people name it.
public enum EventReference: Hashable, Sendable {
    case id(EventID)
    case position(UInt64)

    /// Reads the value of an argument.
    static func argument(_ text: String) throws -> EventReference {
        if let id = EventID(text) { return .id(id) }
        if let position = UInt64(text), position > 0 { return .position(position) }
        throw ValidationError("'\(text)' is neither an event's id nor a position")
    }
}

extension EventReference: CustomStringConvertible {
    public var description: String {
        switch self {
        case .id(let id): "\(id)"
        case .position(let position): "\(position)"
        }
    }
}

extension EventStoreClient {
    /// - Throws: `Refusal` if there is no such event.
    func event(_ reference: EventReference) async throws -> RecordedEvent {
        switch reference {
        case .id(let id):
            if let event = try await event(id: id) { return event }
        case .position(let position):
            let request = ReadRequest(from: position, to: position)
            for try await event in read(request).events { return event }
        }
        throw Refusal(description: "there is no event \(reference)")
    }
}
