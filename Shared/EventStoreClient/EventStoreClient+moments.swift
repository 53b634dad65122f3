public import EventSourcing
import Observability
import WireProtocol

extension ReadRequest {
    /// Creates a request for the events that matched `query` at `moment`, or up to now if it is
    /// nil, and happened after `start`.
    init(_ query: EventQuery, asOf moment: Moment?, after start: Moment) {
        self.init(query)
        switch moment {
        case nil: break
        // No event is before position 1, but 0 as a bound would mean "no bound".
        case .position(0): before = .distantPast
        case .position(let position): to = position
        case .time(let time): before = time + .microseconds(1)
        }
        switch start {
        case .position(let position): from = position + 1
        case .time(let time): since = time + .microseconds(1)
        }
    }
}

extension EventStoreClient {
    /// Reads the events that matched `query` at `moment` and happened after `start`, in the order
    /// of the log.
    ///
    /// - Parameter moment: a moment in the past, or nil for now.
    /// - Throws: `rejected` for a moment in the future.
    public func read(
        _ query: EventQuery, asOf moment: Moment?, after start: Moment = .position(0),
        timeout: Duration? = nil
    ) async throws -> EventReading {
        if let moment { try await check(moment) }
        return read(ReadRequest(query, asOf: moment, after: start), timeout: timeout)
    }

    /// Returns the position of the last event at `moment`, or 0 if the log was empty then.
    ///
    /// If the log has history, events before this position may have happened after a time. So read
    /// with the moment itself.
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
            return try await last(before: time + .microseconds(1))?.position ?? 0
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

    /// Returns the position before the first event that happened at `time` or later, for a
    /// subscription that starts with it.
    package func position(beforeFirstSince time: Timestamp) async throws -> UInt64 {
        for try await event in read(ReadRequest(since: time, limit: 1)).events {
            return max(event.position, 1) - 1
        }
        return try await welcome().head
    }

    /// Returns the last matching event in the log that happened before `time`, or nil without one.
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
