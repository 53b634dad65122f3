public import EventSourcing
import WireProtocol

/// The name of an event on a command line: its id or its position.
public enum EventReference: Hashable, Sendable {
    /// The event with this id.
    case id(EventID)
    /// The event at this position, from 1.
    case position(UInt64)

    /// Reads an event id, or a position from 1.
    public init?(_ text: String) {
        let position = UInt64(text).flatMap { $0 > 0 ? Self.position($0) : nil }
        guard let reference = EventID(text).map(Self.id) ?? position else { return nil }
        self = reference
    }
}

extension EventReference: LosslessStringConvertible {
    /// The id or the position.
    public var description: String {
        switch self {
        case .id(let id): "\(id)"
        case .position(let position): "\(position)"
        }
    }
}

extension EventStoreClient {
    /// Returns the event with this id or position.
    ///
    /// - Throws: `rejected` if it does not exist.
    public func event(_ reference: EventReference) async throws -> RecordedEvent {
        switch reference {
        case .id(let id):
            if let event = try await event(id: id) { return event }
        case .position(let position):
            let request = ReadRequest(from: position, to: position)
            for try await event in read(request).events { return event }
        }
        throw DaybookError(.rejected, "there is no event \(reference)")
    }
}
