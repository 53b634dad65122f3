import EventSourcing
import EventStoreClient
import HeapModule
import WireProtocol

extension ParticipantRunner {
    /// Advances the horizon to the commit time of the last handled event, or to the log's time if
    /// the queue is empty, and executes the commands of deadlines that have passed.
    func advanceTime(after deliveries: [Delivery]) async throws {
        lastTime = max(lastTime, deliveries.lazy.map(\.event.time).max() ?? lastTime)
        let time = deliveries.lazy.filter { $0.replay == nil }.map(\.event.time).max()
        horizon = max(horizon, time ?? horizon)
        if deliveries.isEmpty, !deadlines.isEmpty {
            horizon = max(horizon, try await retryWhileUnavailable { try await repository.now() })
        }
        try await expireSagas()
        try await trim()
    }

    /// Executes the commands of sagas whose deadline has passed. The events before the deadline
    /// must have been handled, because one of them may have met it.
    private func expireSagas() async throws {
        let now = ContinuousClock.now
        var due = Set(failedDeadlines.filter { $1.retry <= now }.keys)
        while let next = deadlines.min, next.time <= horizon { due.insert(deadlines.removeMin()) }
        let sagas = try await completeSagas(Set(due.map(\.saga)))
        var owed: [String: [Owed]] = [:]
        for deadline in due.sorted() {
            let id = deadline.saga
            guard let saga = sagas[id], P.deadline(of: saga.state) == deadline.time else {
                continue
            }
            let commands = participant.expire(saga.state)
            // The commands belong to the trace of the saga's last event.
            let last =
                commands.isEmpty
                ? nil
                : try await retryWhileUnavailable { try await client.event(id: saga.lastEventID) }
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
            recordFailure(
                failure, of: "the deadline of saga \(id)",
                in: sagas[id]?.correlationID ?? .none)
        }
        for deadline in due { delay(deadline, hasFailed: failures[deadline.saga] != nil) }
    }

    /// Schedules the retry of a deadline whose commands failed.
    ///
    /// The pause starts at 100 milliseconds and doubles up to a minute. The cause of the failure
    /// may be permanent, and each attempt costs commands and a log line.
    private func delay(_ deadline: Deadline, hasFailed: Bool) {
        let failed = failedDeadlines.removeValue(forKey: deadline)
        guard hasFailed else { return }
        let pause = min((failed?.pause ?? .milliseconds(50)) * 2, .seconds(60))
        failedDeadlines[deadline] = FailedDeadline(pause: pause, retry: .now + pause)
    }
}

/// The deadline of a saga.
struct Deadline: Comparable, Hashable, Sendable {
    let time: Timestamp
    let saga: String

    static func < (a: Deadline, b: Deadline) -> Bool { (a.time, a.saga) < (b.time, b.saga) }
}

/// The retry schedule of a deadline whose commands failed.
struct FailedDeadline {
    /// The pause before the next attempt.
    var pause: Duration
    /// When the pause ends.
    var retry: ContinuousClock.Instant
}
