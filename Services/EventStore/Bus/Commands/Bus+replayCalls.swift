import CallServer
import EventArchive
import EventPattern
import EventSourcing
import EventStoreClient
import WireProtocol

/// The result so far of a dry run.
struct Plan {
    private static let kept: Duration = .seconds(60)

    var found = ReplayPlan()
    var problem: ProtocolError?
    /// When a caller last asked for it. A plan that nobody asks for is dropped.
    var askedAt: RunningTime

    func isForgotten(at now: RunningTime) -> Bool { askedAt + Self.kept < now }
}

extension Bus {
    func answerReplayCalls() async {
        await server.query(BusCall.replays) { (_: Nothing, atLeast) in
            try await self.replayViews(atLeast: atLeast)
        }
        await server.query(BusCall.planReplay) { (replay: ReplayDefinition, _) in
            try await self.plan(replay)
        }
    }

    private func replayViews(atLeast position: UInt64) async throws -> [ReplayView] {
        try await routed(through: position)
        let now = clock.running
        return replays.values.map { $0.view(at: now) }
            .sorted { ($1.startedAt, $1.replay.name) < ($0.startedAt, $0.replay.name) }
    }

    // MARK: Dry runs

    /// Returns what the replay would do, as far as that is known. The caller asks again for more.
    private func plan(_ replay: ReplayDefinition) async throws -> ReplayPlan {
        try definitions.checkPlan(replay)
        let now = clock.running
        plans = plans.filter { !$0.value.isForgotten(at: now) }
        if plans[replay] == nil {
            plans[replay] = Plan(askedAt: now)
            Task(executorPreference: loop) { await self.make(plan: replay) }
        }
        plans[replay]?.askedAt = now
        guard let plan = plans[replay] else { return ReplayPlan() }
        // The next caller starts a new dry run.
        if plan.found.isComplete || plan.problem != nil { plans[replay] = nil }
        if let problem = plan.problem { throw problem }
        return plan.found
    }

    private func make(plan replay: ReplayDefinition) async {
        do {
            // Wait for the bus, so that the plan covers the whole log.
            let head = try await client.welcome().head
            try await routed(through: head)
            try await look(at: replay, last: head)
            plans[replay]?.found.isComplete = true
        } catch let error as ArchiveError {
            plans[replay]?.problem = ProtocolError(
                error.mayPass ? .unavailable : .rejected, error.description)
        } catch {
            plans[replay]?.problem = ProtocolError(describing: error)
        }
    }

    private func look(at replay: ReplayDefinition, last: UInt64) async throws {
        let source = try await source(of: replay, through: last)
        guard let window = try await source.window() else { return }
        let pattern = try replay.pattern.map { try EventPattern($0) }
        for try await batch in source.batches(
            after: window.lowerBound - 1, through: window.upperBound)
        {
            guard var plan = plans[replay]?.found, !isStopped else { return }
            for event in batch.events {
                let targets = try targets(of: event, pattern, replay)
                guard !targets.isEmpty else { continue }
                plan.events += 1
                plan.first = plan.first == 0 ? event.position : plan.first
                plan.last = event.position
                for target in targets { plan.queues[target.queue, default: 0] += 1 }
            }
            plan.progress =
                Double(batch.through - window.lowerBound + 1) / Double(window.count)
            plans[replay]?.found = plan
        }
    }
}
