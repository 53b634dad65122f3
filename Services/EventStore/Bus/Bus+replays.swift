import EventArchive
import EventPattern
import EventSourcing
import EventStoreClient
import Logging
import ObjectStorage
import ServiceRuntime
import WireProtocol

extension Bus {
    /// How long a replay waits before it tries to reach its archive's place again.
    private static let retry: Duration = .seconds(5)

    /// Runs all active replays concurrently.
    func runReplays() async throws {
        replaySignal.send()
        try await withThrowingDiscardingTaskGroup { group in
            for await _ in replaySignal.signals {
                for name in replays.takeIdle() {
                    group.addTask(executorPreference: loop) { try await self.run(replay: name) }
                }
            }
            throw CancellationError()
        }
    }

    /// Replays until the end or a pause. An error ends the replay.
    private func run(replay name: String) async throws {
        defer { if replays.stopRunning(name) { replaySignal.send() } }
        var failure: String?
        do {
            try await enqueueEvents(of: name)
        } catch let error as CancellationError {
            throw error
        } catch let error as ArchiveError where error.isTemporary {
            if replays.wait(name, for: "\(error)") {
                logger.warning(
                    "waiting for an archive's place",
                    metadata: ["replay": "\(name)", "reason": "\(error)"])
            }
            // Try again later, because nothing signals when the place is reachable.
            return try await Task.sleep(for: Self.retry)
        } catch let error as any ClassifiedError where error.isTemporary {
            logger.noteWaiting(error)
            // The store does not say when it is ready.
            return try await Task.sleep(for: Self.retry)
        } catch {
            failure = "\(error)"
        }
        guard let end = replays.end(of: name, failure: failure) else { return }
        let key = EventID.random()
        let cause = Cause(
            correlationID: key.derived("0"), causationID: .none, key: key, actor: "event-store")
        _ = try await execute(.endReplay(name, end), cause)
    }

    /// Adds the events of the window to the queues while the replay runs.
    private func enqueueEvents(of name: String) async throws {
        guard let row = replays[name] else { return }
        let definition = row.definition
        let source = try await source(of: definition, through: row.last)
        if replays[name]?.state == .starting {
            guard let window = try await source.window(), replays.begin(name, window) else {
                return
            }
        }
        guard let row = replays[name], row.state == .running else { return }
        let pattern = try definition.pattern.map { try EventPattern($0) }
        var pacing = Pacing(definition)
        // A slow replay holds events that it read long ago.
        let generation = cache.generation
        for try await batch in source.batches(after: row.position, through: row.last) {
            for event in batch.events {
                var routes = try router.route(event, in: definition, matching: pattern)
                while !routes.isEmpty,
                    let due = pacing.due(
                        event, count: replays[name]?.delivered ?? 0, now: .now)
                {
                    // In short waits, so that a pause or cancellation takes effect soon.
                    try await Task.sleep(until: min(due, .now + .milliseconds(100)))
                    guard replays[name]?.state == .running else { return }
                    routes = try router.route(event, in: definition, matching: pattern)
                }
                if !routes.isEmpty { cache.insert(event, readIn: generation) }
                try enqueue(event, routes, by: name)
            }
            guard replays[name]?.state == .running else { return }
            replays.advance(name, to: batch.through, at: clock.running)
            // Wait for the commit, so that the events do not pile up in memory.
            try await committed()
        }
    }

    /// Adds the event to its queues. The entries and the replay's progress are in the same commit.
    private func enqueue(_ event: RecordedEvent, _ routes: [Route], by name: String) throws {
        guard !routes.isEmpty else { return }
        let now = clock.now
        for route in routes {
            guard update({ $0.replay(event, to: route, by: name, at: now.log) }) else {
                throw ProtocolError(.notFound, "queue '\(route.queue)' no longer exists")
            }
        }
        replays.countDelivered(event, to: routes.count, by: name, at: now.running)
    }

    /// Returns the source of the replay's events.
    private func source(
        of definition: ReplayDefinition, through last: UInt64
    ) async throws -> any ReplaySource {
        let (since, until) = (
            definition.since ?? .distantPast, definition.until ?? .distantFuture
        )
        guard let name = definition.archive else {
            let query = try definition.pattern.map { try EventPattern($0).query } ?? .all
            return LogSource(
                client: client, query: query, since: since, until: until, last: last)
        }
        // The archive's pending events belong to the window, too.
        guard let archiver = archives[name] else {
            throw ProtocolError(.notFound, "there is no archive '\(name)'")
        }
        let reader = try await archiver.reader(through: last)
        return ArchiveSource(
            reader: reader, client: client, amended: Set(try await client.amendedPositions()),
            times: since..<until, last: last)
    }

    // MARK: Dry runs

    /// Returns what the replay would do, as far as that is known. The caller asks again for more.
    func plan(_ replay: ReplayDefinition) async throws -> ReplayPlan {
        try definitions.checkPlan(replay)
        let (plan, isNew) = try dryRuns.ask(for: replay, at: clock.running)
        if isNew { Task(executorPreference: loop) { await self.dryRun(replay) } }
        return plan
    }

    private func dryRun(_ replay: ReplayDefinition) async {
        do {
            // Wait for the bus, so that the plan covers the whole log.
            let head = try await client.welcome().head
            try await routed(through: head)
            try await planEvents(of: replay, through: head)
            dryRuns[replay]?.plan.isComplete = true
        } catch let error as ArchiveError {
            let code = error.isTemporary ? ProtocolError.Code.unavailable : .rejected
            dryRuns[replay]?.problem = ProtocolError(code, error.description)
        } catch {
            dryRuns[replay]?.problem = ProtocolError(describing: error)
        }
    }

    private func planEvents(of replay: ReplayDefinition, through last: UInt64) async throws {
        let source = try await source(of: replay, through: last)
        guard let window = try await source.window() else { return }
        let pattern = try replay.pattern.map { try EventPattern($0) }
        for try await batch in source.batches(
            after: window.lowerBound - 1, through: window.upperBound)
        {
            guard var plan = dryRuns[replay]?.plan, !waiters.isStopped else { return }
            for event in batch.events {
                plan.add(
                    event.position, try router.route(event, in: replay, matching: pattern))
            }
            plan.progress =
                Double(batch.through - window.lowerBound + 1) / Double(window.count)
            dryRuns[replay]?.plan = plan
        }
    }
}
