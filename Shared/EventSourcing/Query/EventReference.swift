/// The name of an event in a request: its id or its position.
public enum EventReference: Hashable, Sendable {
    /// The event with this id.
    case id(EventID)
    /// The event at this position, from 1.
    case position(UInt64)
}

extension EventReference: LosslessStringConvertible {
    /// Reads an event id, or a position from 1.
    public init?(_ text: String) {
        let position = UInt64(text).flatMap { $0 > 0 ? Self.position($0) : nil }
        guard let reference = EventID(text).map(Self.id) ?? position else { return nil }
        self = reference
    }

    /// The id or the position.
    public var description: String {
        switch self {
        case .id(let id): "\(id)"
        case .position(let position): "\(position)"
        }
    }
}

extension EventReference: Codable {
    /// Decodes a number from 1 as a position and a text as an id.
    public init(from decoder: any Decoder) throws {
        if let position = try? UInt64(from: decoder), position > 0 {
            self = .position(position)
        } else {
            self = .id(try EventID(from: decoder))
        }
    }

    /// Encodes a position as a number and an id as a text.
    public func encode(to encoder: any Encoder) throws {
        switch self {
        case .id(let id): try id.encode(to: encoder)
        case .position(let position): try position.encode(to: encoder)
        }
    }
}
