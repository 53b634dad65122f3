import EventSourcing
import EventStoreClient
import JSON
import Logging
import WireProtocol

/// A death that is not in the log yet.
struct Death {
    let queue: String
    let entry: QueueEntry
    let cause: DeathCause
}

extension Bus {
    private static let together = 100

    func deadLetter(_ entry: QueueEntry, of queue: String, _ cause: DeathCause) {
        deaths.append(Death(queue: queue, entry: entry, cause: cause))
        deathSignal.continuation.yield()
    }

    /// Records an event as dead because its rule names a queue that does not exist.
    func deadLetter(targetless event: RecordedEvent, for queue: String, by rule: String) {
        let entry = QueueEntry(
            sequence: 0, position: event.position, rule: rule,
            group: .none, enqueuedAt: event.time,
            error: "there is no queue '\(queue)'")
        deadLetter(entry, of: queue, .targetNotFound)
    }

    /// Appends deaths to the log.
    ///
    /// An entry becomes a dead letter only when that event is routed. Until then it is in its
    /// queue, and after a restart it dies again with the same event id.
    func appendDeaths() async throws {
        for await _ in deathSignal.stream {
            while !deaths.isEmpty {
                let some = Array(deaths.prefix(Self.together))
                deaths.removeFirst(some.count)
                try await append(some)
            }
        }
        throw CancellationError()
    }

    private func append(_ deaths: [Death]) async throws {
        let events = try await events(at: deaths.map(\.entry.position))
        let deadLettered = try deaths.map { death in
            try deadLetteredEvent(death, events[death.entry.position])
        }
        while true {
            do {
                for event in deadLettered { try await append(event) }
                return
            } catch let error as DaybookError where error.kind == .unavailable {
                logger.warning("waiting for the event store", metadata: ["reason": "\(error)"])
            }
        }
    }

    /// Appends an event whose id allows only one of its kind.
    private func append(_ event: NewEvent) async throws {
        do {
            _ = try await client.append([event])
        } catch let error as ProtocolError where error.code == .idReused {
            // It was appended before a crash, with another receive count.
        }
    }

    /// Creates the event of a death.
    ///
    /// - Parameter event: the dead event; nil if it can't be read.
    private func deadLetteredEvent(_ death: Death, _ event: RecordedEvent?) throws -> NewEvent {
        let entry = death.entry
        let keys = queues[death.queue]?.keys ?? GroupKeys(.correlation)
        let id = event?.id ?? EventID.none.derived("position/\(entry.position)")
        let letter = DeadLetter(
            queue: death.queue, rule: entry.rule, replay: entry.replay, position: entry.position,
            event: id, type: event?.type ?? "", sequence: entry.sequence,
            group: event.map(keys.label) ?? "", cause: death.cause, error: entry.error,
            receives: entry.receives, enqueuedAt: entry.enqueuedAt,
            firstReceivedAt: entry.firstReceivedAt)
        // The same event can die in several queues, and again after a redrive. So the id needs all
        // of these parts.
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
            data: try JSON.encode(letter))
    }

    // MARK: What the log tells

    func applyDeadLetter(_ type: BusEventType, _ event: RecordedEvent) async throws {
        guard type != .deadLettered else { return try addDeadLetter(event.data(), event) }
        try await end(event.data(), at: event.time, redrive: type == .deadLetterRedriven)
    }

    /// Makes the entry a dead letter.
    private func addDeadLetter(_ letter: DeadLetter, _ event: RecordedEvent) throws {
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
            "an event became a dead letter",
            metadata: [
                "queue": "\(letter.queue)", "position": "\(letter.position)",
                "type": "\(letter.type)", "cause": "\(letter.cause.rawValue)",
                "error": "\(letter.error ?? "")",
            ])
    }

    /// Ends a dead letter: returns it to its queue, or discards it.
    private func end(_ end: DeadLetterEnd, at time: Timestamp, redrive: Bool) async throws {
        guard let dead = try await deadLetter(end.deadLetter), dead.letter.queue == end.queue else {
            throw DaybookError(
                .notFound, "queue '\(end.queue)' has no dead letter \(end.deadLetter)")
        }
        let event = try await events(at: [dead.letter.position])[dead.letter.position]
        let queue = queues[dead.letter.queue]
        if redrive {
            // The command rejects a redrive into a queue that does not exist.
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
