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
        for try await batch in try await client.subscribe(.all, after: routed) {
            if isRouterHeld { await withCheckedContinuation { heldRouter = $0 } }
            if let last = batch.events.last { clock.follow(last.time) }
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
            for queue in queues.values { wake(queue) }
            if queues.values.reduce(0, { $0 + $1.writes.puts.count }) > Self.uncommitted {
                try await committed()
            }
        }
    }

    /// Records that the events up to `position` are routed.
    private func advance(to position: UInt64) {
        routed = position
        routeWaiters.removeAll { waiter in
            guard waiter.position <= position else { return false }
            waiter.continuation.resume()
            return true
        }
    }

    /// Returns when the log is routed up to `position`.
    func routed(through position: UInt64) async throws {
        try await withCheckedThrowingContinuation { continuation in
            if position <= routed {
                continuation.resume()
            } else if isStopped {
                continuation.resume(throwing: CancellationError())
            } else {
                routeWaiters.append((position, continuation))
            }
        }
    }

    /// Sends the event to each target of the matching rules, once even if several rules name it.
    private func send(_ event: RecordedEvent, at now: Timestamp) {
        let matching = rules.matching(event)
        guard !matching.isEmpty else { return }
        cache.insert(event)
        var sent: [String] = []
        for rule in matching {
            rule.matched += 1
            for target in rule.definition.targets.compactMap(\.queue)
            where !sent.contains(target) {
                sent.append(target)
                send(event, to: target, by: rule, at: now)
            }
        }
    }

    private func send(
        _ event: RecordedEvent, to target: String, by rule: Rule, at now: Timestamp
    ) {
        guard let queue = queues[target] else {
            return deadLetter(targetless: event, for: target, by: rule.definition.name)
        }
        // A queue that is being filled gets this event later.
        guard queue.row.phase == .live else { return }
        queue.route(event, rule: rule.definition.name, at: now)
    }

    /// Returns the events at `positions`. An event with a damaged record is missing from the
    /// result.
    ///
    /// - Throws: `unavailable` if the store does not answer.
    func events(at positions: [UInt64]) async throws -> [UInt64: RecordedEvent] {
        var found: [UInt64: RecordedEvent] = [:]
        var missing: [UInt64] = []
        for position in positions {
            if let event = cache[position] {
                found[position] = event
            } else {
                missing.append(position)
            }
        }
        missing.sort()
        var rest = missing[...]
        while let first = rest.first {
            // Positions close together are read with one request.
            let together = rest.prefix { $0 - first < Self.stretch }
            rest = rest.dropFirst(together.count)
            do {
                try await read(together, into: &found)
            } catch is ProtocolError where together.count > 1 {
                for position in together { try await readAlone(position, into: &found) }
            } catch let error as ProtocolError {
                note(error, at: first)
            }
        }
        return found
    }

    private static let stretch: UInt64 = 512

    private func read(
        _ positions: ArraySlice<UInt64>, into found: inout [UInt64: RecordedEvent]
    ) async throws {
        guard let first = positions.first, let last = positions.last else { return }
        let wanted = Set(positions)
        for try await event in client.read(ReadRequest(.all, from: first, to: last)).events
        where wanted.contains(event.position) {
            found[event.position] = event
        }
    }

    private func readAlone(
        _ position: UInt64, into found: inout [UInt64: RecordedEvent]
    ) async throws {
        do {
            try await read([position], into: &found)
        } catch let error as ProtocolError {
            note(error, at: position)
        }
    }

    private func note(_ error: ProtocolError, at position: UInt64) {
        logger.error(
            "an event can't be read",
            metadata: ["position": "\(position)", "reason": "\(error)"])
    }
}
