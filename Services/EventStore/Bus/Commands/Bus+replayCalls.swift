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
        await server.command(BusCall.startReplay) { (replay: ReplayDefinition, cause) in
            try await self.start(replay, cause)
        }
        await server.command(BusCall.setReplayPaused) { (change: SetReplayPaused, cause) in
            try await self.change(
                change.name, change.isPaused ? .replayPaused : .replayResumed, cause,
                from: { change.isPaused ? $0.isAtWork : $0 == .paused })
        }
        await server.command(BusCall.cancelReplay) { (name: String, cause) in
            try await self.change(name, .replayCancelled, cause, from: { !$0.isEnd })
        }
        await server.query(BusCall.replays) { (_: Nothing, atLeast) in
            try await self.replayViews(atLeast: atLeast)
        }
        await server.query(BusCall.planReplay) { (replay: ReplayDefinition, _) in
            try await self.plan(replay)
        }
    }

    private func start(_ replay: ReplayDefinition, _ cause: Cause) async throws -> Outcome {
        if let position = try await earlierEffect(of: cause) {
            return .repeated(position: position)
        }
        try check(replay)
        try checkIsNew(replay: replay.name)
        let started = try event(BusCategory.replay, replay.name, .replayStarted, replay, cause)
        guard let queue = replay.queue, queues[queue] == nil else {
            return try await append([started])
        }
        let definition = QueueDefinition(name: queue)
        return try await append([
            event(BusCategory.queue, queue, .queuePut, definition, cause, index: 1), started,
        ])
    }

    func checkIsNew(replay name: String) throws {
        guard replays[name] == nil else {
            throw DaybookError(
                .rejected, "there is a replay '\(name)' already; choose another name")
        }
    }

    /// Throws if the definition is invalid or names something that does not exist. The replay's own
    /// queue need not exist, because the command creates it.
    func check(_ replay: ReplayDefinition) throws {
        if let fault = replay.fault { throw DaybookError(.invalid, fault) }
        if let pattern = replay.pattern { _ = try EventPattern(pattern) }
        if let name = replay.archive { _ = try archive(name) }
        for name in replay.rules where rules.rules[name] == nil {
            throw ProtocolError(.notFound, "there is no rule '\(name)'")
        }
        for name in replay.rules where rules.rules[name]?.definition.isEnabled == false {
            throw DaybookError(.rejected, "rule '\(name)' is disabled; enable it first")
        }
    }

    private func change(
        _ name: String, _ type: BusEventType, _ cause: Cause,
        from allowed: (ReplayState) -> Bool
    ) async throws -> Outcome {
        guard let replay = replays[name] else {
            throw ProtocolError(.notFound, "there is no replay '\(name)'")
        }
        guard !replay.row.state.isEnd else {
            throw DaybookError(.rejected, "replay '\(name)' is over: \(replay.row.state.rawValue)")
        }
        guard allowed(replay.row.state) else { return .nothing }
        return try await append(BusCategory.replay, name, type, Nothing(), cause)
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
        try check(replay)
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
