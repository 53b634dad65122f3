public import EventSourcing
import WireProtocol

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
    /// - Throws: `rejected` for a moment that is still to come.
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
    /// - Throws: `rejected` for a moment that is still to come.
    package func position(of moment: Moment) async throws -> UInt64 {
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

    /// - Throws: `rejected` for a moment that is still to come: what is true then is not known yet.
    private func check(_ moment: Moment) async throws {
        switch moment {
        case .position(let position):
            let head = try await welcome().head
            guard position <= head else {
                throw DaybookError(.rejected, "the log ends at position \(head), before \(position)")
            }
        case .time(let time):
            guard time > .now() else { return }
            // The log is ahead of a clock that was set back: what comes is behind its last event.
            guard let last = try await last(), time <= last.time else {
                throw DaybookError(.rejected, "\(time) is still to come")
            }
        }
    }
}
