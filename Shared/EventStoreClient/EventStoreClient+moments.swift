public import EventSourcing
import Observability
import WireProtocol

extension ReadRequest {
    /// Creates a request for the events that matched `query` at `moment`.
    init(_ query: EventQuery, asOf moment: Moment) {
        switch moment {
        // No event is before position 1, but 0 as a bound would mean "no bound".
        case .position(0): self.init(query, before: .distantPast)
        case .position(let position): self.init(query, to: position)
        case .time(let time): self.init(query, before: time + .microseconds(1))
        }
    }
}

extension EventStoreClient {
    /// Reads the events after `position` that matched `query` at `moment`.
    ///
    /// - Parameter moment: a moment in the past, or nil for now.
    /// - Throws: `rejected` for a moment in the future.
    public func read(
        _ query: EventQuery, asOf moment: Moment?, after position: UInt64 = 0,
        timeout: Duration? = nil
    ) async throws -> EventReading {
        if let moment { try await check(moment) }
        var request = moment.map { ReadRequest(query, asOf: $0) } ?? ReadRequest(query)
        request.from = position + 1
        return read(request, timeout: timeout)
    }

    /// Returns the position of the last event at `moment`, or 0 if the log was empty then.
    ///
    /// - Parameter moment: a moment in the past, or nil for now.
    /// - Throws: `rejected` for a moment in the future.
    package func position(of moment: Moment?) async throws -> UInt64 {
        guard let moment else { return try await welcome().head }
        try await check(moment)
        switch moment {
        case .position(let position):
            return position
        case .time(let time):
            return try await position(before: time + .microseconds(1))
        }
    }

    /// Returns the position before the last `count` events that match, for a subscription that
    /// starts with them.
    package func position(
        beforeLast count: UInt64, of query: EventQuery
    ) async throws -> UInt64 {
        let head = try await welcome().head
        guard count > 0, head > 0 else { return head }
        var start = head
        let request = ReadRequest(query, direction: .backwards, from: head, limit: count)
        try await read(request) { for event in $0 { start = max(event.position, 1) - 1 } }
        return start
    }

    /// Returns the position of the last event committed before `time`, or 0 without one.
    package func position(before time: Timestamp) async throws -> UInt64 {
        try await last(before: time)?.position ?? 0
    }

    /// Returns the last matching event that was committed before `time`, or nil without one.
    package func last(
        of query: EventQuery = .all, before time: Timestamp = .distantFuture
    ) async throws -> RecordedEvent? {
        let request = ReadRequest(query, direction: .backwards, before: time, limit: 1)
        for try await event in read(request).events { return event }
        return nil
    }

    /// Checks that the moment is past, because the state at a future moment is not known yet.
    ///
    /// - Throws: `rejected` for a moment in the future.
    private func check(_ moment: Moment) async throws {
        switch moment {
        case .position(let position):
            let head = try await welcome().head
            try require(
                position <= head, .rejected,
                "the log ends at position \(head), before \(position)")
        case .time(let time):
            guard time > .now() else { return }
            // After the clock was set back, the log is ahead of it. New events get later times
            // than the last event, so all moments up to that one are past.
            guard let last = try await last(), time <= last.time else {
                throw DaybookError(.rejected, "\(time) is in the future")
            }
        }
    }
}
