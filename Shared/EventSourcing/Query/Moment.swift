/// A point in the log, and all that had been committed by then.
///
/// Commit times rise from event to event, whatever the clock does: so a time is between two events,
/// and means the same whenever it is asked for, once it has passed.
public enum Moment: Hashable, Sendable {
    /// Behind the event at this position; 0 is before all events.
    case position(UInt64)
    /// With what was committed at this time or before.
    case time(Timestamp)

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

    public var description: String {
        switch self {
        case .position(let position): "\(position)"
        case .time(let time): "\(time)"
        }
    }
}

extension Moment: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let position = try? container.decode(UInt64.self) {
            self = .position(position)
        } else {
            self = .time(try container.decode(Timestamp.self))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .position(let position): try container.encode(position)
        case .time(let time): try container.encode(time)
        }
    }
}
