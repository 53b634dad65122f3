import EventSourcing
import WireProtocol

extension Bus {
    func ruleViews(atLeast position: UInt64) async throws -> [RuleView] {
        try await routed(through: position)
        let managed = await managedRuleViews()
        let views = rules.rules.values.map { rule in
            RuleView(
                rule: rule.definition, isManaged: false, matched: rule.matched,
                changedAt: rule.changedAt, changedBy: rule.changedBy)
        }
        return (views + managed).sorted { $0.rule.name < $1.rule.name }
    }

    func queueViews(atLeast position: UInt64) async throws -> [QueueView] {
        try await routed(through: position)
        return queueViews()
    }

    func queueViews() -> [QueueView] {
        let now = clock.running
        return queues.values.sorted { $0.name < $1.name }.map {
            $0.view(at: now, deadLetters: deadLetterCounts[$0.name] ?? 0)
        }
    }

    func deadLetterViews(
        _ request: DeadLettersRequest, atLeast position: UInt64
    ) async throws -> [DeadLetterView] {
        try await routed(through: position)
        guard (1...1000).contains(request.limit) else {
            throw ProtocolError(
                .invalid, "a limit of dead letters must be 1 to 1000, not \(request.limit)")
        }
        try await stored()
        return try await store.deadLetters(request).map { row in
            DeadLetterView(
                id: row.id, letter: row.letter, diedAt: row.diedAt,
                waitingBehind: queues[row.letter.queue]?.state.waitingBehind(row.group) ?? 0)
        }
    }
}

extension BusQueue {
    fileprivate func view(at now: RunningTime, deadLetters: Int) -> QueueView {
        let counts = state.counts
        return QueueView(
            queue: row.definition, isPaused: row.isPaused, isFilling: filledThrough != nil,
            depth: counts.total - counts.inFlight + counts.blocked + waitingOnDisk,
            delayed: counts.delayed, waitingBehindDead: counts.blocked, inFlight: counts.inFlight,
            deadLetters: deadLetters, oldest: state.oldest, throughput: meter.rate(at: now),
            acknowledged: row.acknowledged, dropped: row.dropped)
    }
}
