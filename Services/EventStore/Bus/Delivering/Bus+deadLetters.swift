import EventSourcing
import EventStoreClient
import JSON
import Logging
import WireProtocol

/// A death of which the log does not tell yet.
struct Death {
    let queue: String
    let entry: QueueEntry
    let cause: DeathCause
}

extension Bus {
    private static let together = 100

    func die(_ entry: QueueEntry, of queue: String, _ cause: DeathCause) {
        deaths.append(Death(queue: queue, entry: entry, cause: cause))
        deathSignal.continuation.yield()
    }

    /// The event's rule names a queue that is not there.
    func die(targetless event: RecordedEvent, for queue: String, by rule: String) {
        let entry = QueueEntry(
            sequence: 0, position: event.position, rule: rule,
            group: .none, enqueuedAt: event.time,
            error: "there is no queue '\(queue)'")
        die(entry, of: queue, .targetNotFound)
    }

    /// Writes into the log what has died. Only when that is routed is it a dead letter: until then
    /// it is in its queue, and dies again after a restart, of the same event.
    func bury() async throws {
        for await _ in deathSignal.stream {
            while !deaths.isEmpty {
                let some = Array(deaths.prefix(Self.together))
                deaths.removeFirst(some.count)
                try await bury(some)
            }
        }
        throw CancellationError()
    }

    private func bury(_ deaths: [Death]) async throws {
        let events = try await events(at: deaths.map(\.entry.position))
        let buried = try deaths.map { death in
            try deadLettered(death, events[death.entry.position])
        }
        while true {
            do {
                for event in buried { try await append(event) }
                return
            } catch let error as DaybookError where error.kind == .unavailable {
                logger.warning("waiting for the event store", metadata: ["reason": "\(error)"])
            }
        }
    }

    /// Appends an event whose id says that there can be only one like it.
    private func append(_ event: NewEvent) async throws {
        do {
            _ = try await client.append([event])
        } catch let error as ProtocolError where error.code == .idReused {
            // It was told before the bus was killed, with another number of attempts.
        }
    }

    /// - Parameter event: the one that is dead; nil if it can't be read.
    private func deadLettered(_ death: Death, _ event: RecordedEvent?) throws -> NewEvent {
        let entry = death.entry
        let keys = queues[death.queue]?.keys ?? GroupKeys(.correlation)
        let id = event?.id ?? EventID.none.derived("position/\(entry.position)")
        let letter = DeadLetter(
            queue: death.queue, rule: entry.rule, replay: entry.replay, position: entry.position,
            event: id, type: event?.type ?? "", sequence: entry.sequence,
            group: event.map(keys.label) ?? "", cause: death.cause, error: entry.error,
            receives: entry.receives, enqueuedAt: entry.enqueuedAt,
            firstReceivedAt: entry.firstReceivedAt)
        // The same event can be dead in several queues; and again, once it has been redriven.
        let name =
            "\(death.queue)/\(entry.rule)/\(entry.sequence)/\(entry.enqueuedAt.microseconds)"
        return NewEvent(
            id: id.derived("dead/\(name)"),
            stream: try StreamName(category: BusCategory.deadLetter, id: death.queue),
            type: BusEventType.deadLettered.rawValue, tags: event?.tags ?? [],
            correlationID: event?.correlationID, causationID: id,
            metadata: try EventMetadata(
                actor: "event-store",
                traceparent: event.flatMap { EventMetadata(of: $0)?.traceparent }
            ).encoded(),
            data: try JSON.bytes(letter))
    }

    // MARK: What the log tells

    /// The entry is a dead letter from here on.
    func bury(_ letter: DeadLetter, _ event: RecordedEvent) throws {
        var group = GroupKey.none
        if let queue = queues[letter.queue], letter.sequence > 0 {
            group = queue.keys.key(ofLabel: letter.group, event: letter.event)
            queue.writes.remove(letter.sequence)
            if queue.row.definition.afterDeath == .wait { queue.state.block(group) }
        }
        deadLetterCounts[letter.queue, default: 0] += 1
        changes.newDeadLetters[event.position] = DeadLetterRow(
            id: event.position, letter: letter, group: group, diedAt: event.time)
        logger.warning(
            "an event is dead",
            metadata: [
                "queue": "\(letter.queue)", "position": "\(letter.position)",
                "type": "\(letter.type)", "cause": "\(letter.cause.rawValue)",
                "error": "\(letter.error ?? "")",
            ])
    }

    /// The dead letter is none any more: it is back in its queue, or discarded.
    func end(_ end: DeadLetterEnd, at time: Timestamp, redrive: Bool) async throws {
        guard let dead = try await deadLetter(end.deadLetter), dead.letter.queue == end.queue else {
            throw ProtocolError(
                .notFound, "queue '\(end.queue)' has no dead letter \(end.deadLetter)")
        }
        let event = try await events(at: [dead.letter.position])[dead.letter.position]
        let queue = queues[dead.letter.queue]
        if redrive {
            // The command refuses to redrive into a queue that is not there.
            guard let queue, let event else { return }
            queue.restore(dead, event, at: time)
        }
        changes.append(WriteBatch(endedDeadLetters: [dead.id]))
        deadLetterCounts[dead.letter.queue, default: 1] -= 1
        guard let queue else { return }
        queue.unblocked.insert(dead.group)
        commitSignal.continuation.yield()
    }

    private func deadLetter(_ id: UInt64) async throws -> DeadLetterRow? {
        for batch in unstored {
            if batch.endedDeadLetters.contains(id) { return nil }
            if let new = batch.newDeadLetters[id] { return new }
        }
        let request = DeadLettersRequest(DeadLetterSelection(ids: [id]), limit: 1)
        return try await store.deadLetters(request).first
    }
}
