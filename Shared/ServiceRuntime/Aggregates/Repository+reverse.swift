import EventSourcing
import EventStoreClient
import WireProtocol

extension Repository where Subject: Reversible {
    /// Appends the events that undo an event. Retries with the same cause have no further effect.
    ///
    /// The appended events belong to the conversation of the undone event and name it as their
    /// cause.
    ///
    /// - Returns: the outcome, and the correlation id of the conversation.
    /// - Throws: `rejected` if the event is missing, is already reversed or is not reversible by
    ///   `service`, or if the aggregate rejects the reversal; `idReused` or `expired` as for
    ///   ``execute(_:_:)``.
    func reverse(
        _ command: ReverseEvent, by service: String, _ cause: Cause
    ) async throws -> (Outcome, conversation: EventID) {
        let record = try await record(command.event)
        var cause = cause
        cause.correlationID = record.correlationID
        cause.causationID = record.id
        // The event may be reversed already, by this command. Then the answer is `repeated`.
        cause.mayBeRepeat = true
        let outcome = try await attempt(on: record.stream, cause) {
            let (events, loaded) = try await undoing(record, command.reason, by: service)
            return try await append(events, to: record.stream, after: loaded, cause)
        }
        return (outcome, record.correlationID)
    }

    /// Returns the events that ``reverse(_:by:_:)`` would append now.
    ///
    /// - Throws: the same rejections.
    func rehearse(_ command: ReverseEvent, by service: String) async throws -> [RehearsedEvent] {
        let record = try await record(command.event)
        let (events, _) = try await undoing(record, command.reason, by: service)
        return try events.enumerated().map { index, event in
            try RehearsedEvent(
                event, id: record.id.derived("rehearsal/\(index)"), stream: record.stream,
                causationID: record.id, correlationID: record.correlationID, service: service)
        }
    }

    private func record(_ id: EventID) async throws -> RecordedEvent {
        try await client.event(id: id).orThrow(.rejected, "there is no event \(id)")
    }

    /// Returns the events that undo the event in `record`, and the state that decides them.
    private func undoing(
        _ record: RecordedEvent, _ reason: String, by service: String
    ) async throws -> ([Subject.Event], Loaded) {
        func rejection(_ why: String) -> DaybookError {
            DaybookError(
                .rejected,
                "\(record.type) at position \(record.position) of stream "
                    + "\(record.stream) can't be reversed: \(why)")
        }
        guard record.category == Subject.category else {
            throw rejection("\(service) does not decide on it; ask the service that does")
        }
        guard !record.isSkipped else { throw rejection("readers skip it, since it was amended") }
        let (past, loaded, reversals) = try await history(of: record, reason)
        guard let past else { throw rejection("the current version reads it as several events") }
        if let obstacle = past.event.obstacle(toReversalBy: service) { throw rejection(obstacle) }
        guard reversals.isEmpty else {
            throw rejection(
                "it is reversed already, by "
                    + reversals.map { "\($0.type) at position \($0.position)" }
                    .joined(separator: ", which is reversed by "))
        }
        let events: [Subject.Event]
        do throws(Subject.Rejection) {
            events = try Subject.decide(Subject.reversal(of: past), given: loaded.state)
        } catch {
            throw rejection(error.description)
        }
        guard !events.isEmpty else { throw rejection("there is nothing left to undo") }
        return (events, loaded)
    }

    /// Returns the event with its history, the state of its stream, and the events that already
    /// reverse it: its reversal, the reversal of that one, and so on.
    ///
    /// Reads the whole stream, because reversals are rare.
    private func history(
        of target: RecordedEvent, _ reason: String
    ) async throws -> (PastDecision<Subject>?, Loaded, reversals: [RecordedEvent]) {
        var past: PastDecision<Subject>?
        var loaded = Loaded()
        var reversals: [RecordedEvent] = []
        for try await record in client.read(ReadRequest(.stream(target.stream))).events {
            let events = try Recorded<Subject.Event>.required(in: record, by: Subject.self)
                .map(\.event)
            if record.id == target.id, events.count == 1 {
                past = PastDecision(
                    events[0], id: record.id, reason: reason, before: loaded.state, since: [])
            } else {
                past?.since += events
            }
            let last = reversals.last?.id ?? target.id
            if events.contains(where: { $0.reverses == last }) { reversals.append(record) }
            loaded.apply(events, of: record)
        }
        return (past, loaded, reversals)
    }
}
