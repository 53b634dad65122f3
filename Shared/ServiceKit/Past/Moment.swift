public import EventSourcing
public import EventStoreClient
import WireProtocol

/// A point in the log, and all that had been committed by then.
///
/// Commit times rise from event to event, whatever the clock does: so a time is between two events,
/// and means the same whenever it is asked for, once it has passed.
public enum Moment: Hashable, Sendable {
    /// Behind the event at this position; 0 is before all events.
    case position(UInt64)
    /// With what was committed at this time or before.
    case time(Timestamp)

    func includes(_ event: RecordedEvent) -> Bool {
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

extension ReadRequest {
    /// What matched `query` at `moment`.
    init(_ query: EventQuery, asOf moment: Moment) {
        switch moment {
        // No event is before the first; as a bound, 0 is none.
        case .position(0): self.init(query, before: .distantPast)
        case .position(let position): self.init(query, to: position)
        case .time(let time): self.init(query, before: time + .microseconds(1))
        }
    }
}

extension EventStoreClient {
    /// Reads what matched `query` at `moment`, behind `position`; nil is now.
    ///
    /// - Throws: `Refusal` for a moment that is still to come.
    public func read(
        _ query: EventQuery, asOf moment: Moment?, after position: UInt64 = 0,
        timeout: Duration = .seconds(30)
    ) async throws -> EventReading {
        if let moment { try await check(moment) }
        var request = moment.map { ReadRequest(query, asOf: $0) } ?? ReadRequest(query)
        request.from = position + 1
        return read(request, timeout: timeout)
    }

    /// The position of the last event that `moment` has; 0 if it has none.
    ///
    /// - Throws: `Refusal` for a moment that is still to come.
    func position(of moment: Moment) async throws -> UInt64 {
        try await check(moment)
        switch moment {
        case .position(let position):
            return position
        case .time(let time):
            return try await last(before: time + .microseconds(1))?.position ?? 0
        }
    }

    private func last(before time: Timestamp = .distantFuture) async throws -> RecordedEvent? {
        let request = ReadRequest(direction: .backwards, before: time, limit: 1)
        for try await event in read(request).events { return event }
        return nil
    }

    /// - Throws: `Refusal` for a moment that is still to come: what is true then is not known yet.
    private func check(_ moment: Moment) async throws {
        switch moment {
        case .position(let position):
            let head = try await welcome().head
            guard position <= head else {
                throw Refusal(description: "the log ends at position \(head), before \(position)")
            }
        case .time(let time):
            guard time > .now() else { return }
            // The log is ahead of a clock that was set back: what comes is behind its last event.
            guard let last = try await last(), time <= last.time else {
                throw Refusal(description: "\(time) is still to come")
            }
        }
    }
}
