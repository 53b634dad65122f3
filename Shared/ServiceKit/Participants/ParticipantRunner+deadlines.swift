import EventSourcing
import EventStoreClient
import HeapModule
import WireProtocol

extension ParticipantRunner {
    /// Advances the time to that of the handled events, or to the log's time if the queue is empty,
    /// and carries out the commands of deadlines that have passed.
    func goOn(after deliveries: [Delivery]) async throws {
        lastTime = max(lastTime, deliveries.lazy.map(\.event.time).max() ?? lastTime)
        let time = deliveries.lazy.filter { $0.replay == nil }.map(\.event.time).max()
        horizon = max(horizon, time ?? horizon)
        if deliveries.isEmpty, !deadlines.isEmpty {
            horizon = max(horizon, try await insist { try await repository.time.now() })
        }
        try await expireSagas()
        try await trim()
    }

    /// Carries out the commands of sagas whose deadline has passed. The events before the deadline
    /// must have been handled, because one of them may have met it.
    private func expireSagas() async throws {
        var due: [Deadline] = []
        while let next = deadlines.min, next.time <= horizon { due.append(deadlines.removeMin()) }
        let sagas = try await wholeSagas(Set(due.map(\.saga)))
        var owed: [String: [Owed]] = [:]
        for deadline in due {
            let id = deadline.saga
            guard let saga = sagas[id], P.deadline(of: saga.state) == deadline.time else {
                continue
            }
            let commands = participant.expire(saga.state)
            // The commands belong to the trace of the saga's last event.
            let last =
                commands.isEmpty
                ? nil : try await insist { try await client.event(id: saga.lastEventID) }
            for (index, command) in commands.enumerated() {
                let cause = Cause(
                    correlationID: saga.correlationID, causationID: saga.lastEventID,
                    key: saga.correlationID.derived("\(P.name)/\(id)/deadline/\(index)"),
                    actor: P.name, traceparent: last?.traceparent)
                owed[Subject.id(of: command), default: []].append(
                    Owed(command: command, cause: cause, saga: id))
            }
        }
        let failures = try await carryOut(owed)
        for (id, failure) in failures {
            note(
                failure, of: "the deadline of saga \(id)",
                in: sagas[id]?.correlationID ?? .none)
        }
        deadlines.insert(contentsOf: due.filter { failures[$0.saga] != nil })
    }
}

/// The deadline of a saga.
struct Deadline: Comparable, Sendable {
    let time: Timestamp
    let saga: String

    static func < (a: Deadline, b: Deadline) -> Bool { (a.time, a.saga) < (b.time, b.saga) }
}
