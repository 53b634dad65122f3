/// A point in the past: a position, or a time.
///
/// Commit times never fall from one event to the next, whatever the clock does. So a time in the
/// past always selects the same events, until history with earlier times is imported.
public enum Moment: Hashable, Sendable {
    /// The point after the event at this position, or before all events if it is 0.
    case position(UInt64)
    /// The time up to which events happened: those with `occurredAt` at this time or before.
    case time(Timestamp)

    /// Whether it is a position.
    public var isPosition: Bool { if case .position = self { true } else { false } }

    /// Returns whether the event had happened by then.
    public func includes(_ event: RecordedEvent) -> Bool {
        switch self {
        case .position(let position): event.position <= position
        case .time(let time): event.occurredAt <= time
        }
    }
}

extension Moment: LosslessStringConvertible {
    /// Reads a position, or a time in RFC 3339.
    public init?(_ text: String) {
        let position = UInt64(text).map(Self.position)
        guard let moment = position ?? Timestamp(text).map(Self.time) else { return nil }
        self = moment
    }

    /// The position, or the time in RFC 3339.
    public var description: String {
        switch self {
        case .position(let position): "\(position)"
        case .time(let time): "\(time)"
        }
    }
}

extension Moment: Codable {
    /// Decodes a number as a position and a text as a time.
    public init(from decoder: any Decoder) throws {
        let position = (try? UInt64(from: decoder)).map(Self.position)
        self = try position ?? .time(Timestamp(from: decoder))
    }

    /// Encodes a position as a number and a time as a text.
    public func encode(to encoder: any Encoder) throws {
        switch self {
        case .position(let position): try position.encode(to: encoder)
        case .time(let time): try time.encode(to: encoder)
        }
    }
}
