import EventPattern
import EventSourcing
import EventStoreClient
import Logging
import WireProtocol

extension Bus {
    /// The number of uncommitted entries above which the router waits.
    private static let uncommitted = 100_000

    /// Follows the log. Applies the bus's own events at their positions, and sends all others to
    /// the queues of the matching rules.
    func route() async throws {
        for try await batch in try await client.subscribe(to: groups, after: router.position) {
            if router.isPaused { try await suspend { router.waitForResume($0) } }
            if let last = batch.events.last { clock.follow(last.time) }
            try await prepareClosings(batch.events)
            let now = clock.now.log
            for event in batch.events {
                if event.isOfStore {
                    // A commit during `apply` must contain the effects of the events before this
                    // one.
                    advance(to: event.position - 1)
                    try await apply(event)
                } else {
                    send(event, at: now)
                }
            }
            advance(to: batch.through)
            update { $0.wake() }
            if deliveries.changedEntries > Self.uncommitted { try await committed() }
        }
    }

    private func advance(to position: UInt64) {
        waiters.resume(router.advance(to: position))
    }

    /// Returns when the log is routed up to `position`.
    func routed(through position: UInt64) async throws {
        guard position > router.position else { return }
        let waiter = waiters.reserve()
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation {
                (continuation: CheckedContinuation<Void, any Error>) in
                guard !Task.isCancelled else {
                    return continuation.resume(throwing: CancellationError())
                }
                // The router may have come there while this task suspended.
                guard position > router.position else { return continuation.resume() }
                if waiters.add(continuation, as: waiter) { router.wait(for: position, waiter) }
            }
        } onCancel: {
            Task(executorPreference: loop) { await self.stopWaiting(waiter) }
        }
    }

    private func stopWaiting(_ waiter: Waiter) {
        router.forget(waiter)
        waiters.fail(CollectionOfOne(waiter), with: CancellationError())
    }

    private func send(_ event: RecordedEvent, at now: Timestamp) {
        guard event.isForRules, !event.isSkipped else { return }
        let routes = router.route(event)
        guard !routes.isEmpty else { return }
        cache.insert(event, readIn: cache.generation)
        for route in routes where !deliveries.route(event, to: route, at: now) {
            deadLetters.add(event, without: route)
            deadLetterSignal.send()
        }
    }

    // MARK: Filling

    /// The number of positions behind the router at which the router waits for the filling to end.
    private static let closeEnough: UInt64 = 1000
    private static let step: UInt64 = 5000

    /// Fills queues with events from before they were started.
    func fillQueues() async throws {
        fillSignal.send()
        for await _ in fillSignal.signals {
            while let filling = deliveries.nextFilling { try await fill(filling) }
        }
        throw CancellationError()
    }

    /// Fills the queue up to `position` at least, if it is being filled.
    func fill(_ queue: String, through position: UInt64) async throws {
        while let filling = deliveries.filling(of: queue), filling.position < position {
            try await fill(filling, through: min(filling.position + Self.step, position))
            try await committed()
        }
    }

    private func fill(_ filling: Deliveries.Filling) async throws {
        let routed = router.position
        guard routed - min(filling.position, routed) <= Self.closeEnough else {
            let position = min(filling.position + Self.step, routed)
            try await fill(filling, through: position)
            // Wait for the commit, so that the entries do not pile up in memory.
            return try await committed()
        }
        router.pause()
        defer { waiters.resume(router.resume()) }
        try await fill(filling, through: router.position)
    }

    /// Adds the events that match the queue's rules, after those it has and up to `position`. If
    /// the router is there, it continues from there.
    private func fill(_ filling: Deliveries.Filling, through position: UInt64) async throws {
        var events: [RecordedEvent] = []
        if filling.position < position {
            let request = ReadRequest(
                .all, from: filling.position + 1, to: position, since: filling.since)
            for try await event in client.read(request).events
            where !event.isOfStore && event.isForRules && !event.isSkipped {
                events.append(event)
            }
        }
        // Meanwhile the rules may have changed.
        let rules = router.rules(targeting: filling.queue)
        let matching = events.compactMap { event in
            rules.first { $0.pattern.matches(event) }.map { (event: event, rule: $0.name) }
        }
        let through = max(filling.position, position)
        let isLast = router.isPaused && through >= router.position
        let now = clock.now.log
        update { $0.fill(filling, with: matching, through: through, isLast: isLast, at: now) }
    }
}
