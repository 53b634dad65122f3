import EventSourcing
import EventStoreClient
import HeapModule
import WireProtocol

extension ParticipantRunner {
    /// Lets time go on with the events that were handled, and with the clock when none are left,
    /// and gives the commands of the deadlines that have passed.
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

    /// Gives the commands of sagas whose deadline has passed, once all that happened before it is
    /// handled; for what would meet it may have been in the queue.
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
            // Part of the same trace as the last that happened in the saga.
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

/// When a saga must have gone on.
struct Deadline: Comparable, Sendable {
    let time: Timestamp
    let saga: String

    static func < (a: Deadline, b: Deadline) -> Bool { (a.time, a.saga) < (b.time, b.saga) }
}
