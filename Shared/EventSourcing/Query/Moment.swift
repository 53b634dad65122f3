/// A point in the log, with all events committed up to it.
///
/// Commit times never fall from one event to the next, whatever the clock does. So a time in the
/// past always selects the same events.
public enum Moment: Hashable, Sendable {
    /// The point after the event at this position, or before all events if it is 0.
    case position(UInt64)
    /// The point after the last event committed at this time or before.
    case time(Timestamp)

    /// Returns whether the event was committed by then.
    public func includes(_ event: RecordedEvent) -> Bool {
        switch self {
        case .position(let position): event.position <= position
        case .time(let time): event.time <= time
        }
    }
}

extension Moment: LosslessStringConvertible {
    /// Reads a position, or a time in RFC 3339.
    public init?(_ text: String) {
        if let position = UInt64(text) {
            self = .position(position)
        } else if let time = Timestamp(text) {
            self = .time(time)
        } else {
            return nil
        }
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
        let container = try decoder.singleValueContainer()
        if let position = try? container.decode(UInt64.self) {
            self = .position(position)
        } else {
            self = .time(try container.decode(Timestamp.self))
        }
    }

    /// Encodes a position as a number and a time as a text.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .position(let position): try container.encode(position)
        case .time(let time): try container.encode(time)
        }
    }
}
