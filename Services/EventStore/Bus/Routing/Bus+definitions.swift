import DequeModule
import EventPattern
import EventSourcing
import EventStoreClient
import Foundation
import JSON
import Logging
import WireProtocol

extension Bus {
    /// Applies an event of the bus's streams.
    ///
    /// Only events that the bus's own commands append are checked before the append. An event of
    /// another client or of an import may be invalid. Such an event has no effect and is logged.
    func apply(_ event: RecordedEvent) async throws {
        guard BusCategory.all.contains(event.category) else { return }
        do {
            guard let type = BusEventType(rawValue: event.type), type.category == event.category
            else {
                throw DaybookError(.invalid, "streams of '\(event.category)' have no such events")
            }
            try await apply(type, event)
        } catch let error as DecodingError {
            ignore(event, error.oneLine)
        } catch  where [.invalid, .notFound, .rejected].contains(DaybookError.Kind(of: error)) {
            ignore(event, "\(error)")
        }
    }

    private func ignore(_ event: RecordedEvent, _ reason: String) {
        logger.error(
            "an event has no effect",
            metadata: [
                "position": "\(event.position)", "type": "\(event.type)", "reason": "\(reason)",
            ])
    }

    private func apply(_ type: BusEventType, _ event: RecordedEvent) async throws {
        func data<Value: BusEventData>(_ type: Value.Type) throws -> Value {
            let value = try JSON.decode(type, from: event.data)
            if let fault = value.fault(in: event) { throw DaybookError(.invalid, fault) }
            return value
        }
        let name = event.stream.id
        switch type {
        case .rulePut: try put(try data(RuleDefinition.self), event)
        case .ruleDeleted:
            _ = try rule(name)
            rules.remove(name)
            changes.rules[name] = .some(nil)
        case .queuePut: put(try data(QueueDefinition.self), at: event.position)
        case .queuePaused: pause(try queue(name), true)
        case .queueResumed: pause(try queue(name), false)
        case .queuePurged: try queue(name).purge()
        case .queueDeleted: delete(try queue(name))
        case .deadLettered: try addDeadLetter(try data(DeadLetter.self), event)
        case .deadLetterRedriven, .deadLetterDiscarded:
            try await end(
                try data(DeadLetterEnd.self), at: event.time, redrive: type == .deadLetterRedriven)
        case .replayStarted: try start(try data(ReplayDefinition.self), event)
        case .replayPaused: try change(replay: name, to: .paused, at: event.time)
        case .replayResumed: try change(replay: name, to: .running, at: event.time)
        case .replayCancelled: try change(replay: name, to: .cancelled, at: event.time)
        case .replayEnded:
            let end = try data(ReplayEnd.self)
            try change(replay: name, to: end.state, at: event.time, reason: end.reason)
        case .archiveCreated: try create(try data(ArchiveDefinition.self), event)
        case .archiveDeleted: try deleteArchive(name)
        }
    }

    private func put(_ definition: RuleDefinition, _ event: RecordedEvent) throws {
        try checkUnmanaged(rule: definition.name)
        let row = RuleRow(rule: definition, changedAt: event.time, changedBy: event.actor)
        rules.put(try Rule(row))
        changes.rules[definition.name] = row
        guard definition.isEnabled else { return }
        for target in definition.targets { start(target, at: event.position) }
    }

    private func put(_ definition: QueueDefinition, at position: UInt64) {
        if let queue = queues[definition.name] {
            // The grouping and start of a queue with entries can't change.
            var definition = definition
            definition.grouping = queue.row.definition.grouping
            if queue.row.phase != .unstarted { definition.start = queue.row.definition.start }
            queue.row.definition = definition
            queue.state.settings = QueueSettings(definition)
            queue.writes.definition = definition
            return
        }
        // Sequences start above those of any earlier queue with this name, whose dead letters may
        // still be redriven.
        let row = QueueRow(
            id: nextQueueID, definition: definition,
            counters: QueueCounters(lastSequence: position << 28))
        nextQueueID += 1
        let queue = BusQueue(row, count: 0, window: window)
        queue.writes.definition = definition
        queues[definition.name] = queue
        // A rule may target the queue already.
        if !rules.targeting(definition.name).isEmpty { start(definition.name, at: position) }
    }

    private func pause(_ queue: BusQueue, _ isPaused: Bool) {
        queue.row.isPaused = isPaused
        queue.state.isPaused = isPaused
        queue.updateCounters()
        if !isPaused { tick(queue, at: clock.now) }
    }

    private func delete(_ queue: BusQueue) {
        queues[queue.name] = nil
        queue.epoch += 1
        var writes = QueueWrites(id: queue.row.id)
        writes.isDeleted = true
        changes.queues[writes.id] = writes
        while let receiver = queue.receivers.popFirst() { receiver.continuation.resume() }
    }

    /// Starts to fill the queue from its start, when the first rule targets it.
    private func start(_ name: String, at position: UInt64) {
        guard let queue = queues[name], queue.row.phase == .unstarted else { return }
        queue.row.phase =
            switch queue.row.definition.start {
            case .end: .live
            case .beginning, .time: .filling(through: 0)
            case .position(let first): .filling(through: min(max(first, 1) - 1, position))
            }
        queue.updateCounters()
        fillSignal.continuation.yield()
    }

    // MARK: Filling

    /// The number of positions behind the router at which the router waits for the filling to end.
    private static let closeEnough: UInt64 = 1000
    private static let step: UInt64 = 5000

    /// Fills queues with events from before they were started.
    func fill() async throws {
        fillSignal.continuation.yield()
        for await _ in fillSignal.stream {
            while let queue = queues.values.first(where: { $0.filledThrough != nil }) {
                try await fillFurther(queue)
            }
        }
        throw CancellationError()
    }

    private func fillFurther(_ queue: BusQueue) async throws {
        guard let filled = queue.filledThrough else { return }
        guard routed - min(filled, routed) <= Self.closeEnough else {
            try await extend(queue, through: min(filled + Self.step, routed))
            // Wait for the commit, so that the entries do not pile up in memory.
            return try await committed()
        }
        isRouterHeld = true
        defer {
            isRouterHeld = false
            heldRouter?.resume()
            heldRouter = nil
        }
        try await extend(queue, through: routed)
        if let filled = queue.filledThrough, filled >= routed {
            queue.row.phase = .live
            queue.updateCounters()
        }
    }

    /// Adds the events that match the queue's rules, after those it has and up to `position`.
    private func extend(_ queue: BusQueue, through position: UInt64) async throws {
        guard let filled = queue.filledThrough else { return }
        if filled < position {
            let request = ReadRequest(
                .all, from: filled + 1, to: position, since: queue.firstTime)
            var events: [RecordedEvent] = []
            for try await event in client.read(request).events where !event.isOfStore {
                events.append(event)
            }
            // Meanwhile the queue may have been deleted, and its rules may have changed.
            guard queue.filledThrough == filled, queues[queue.name] === queue else { return }
            let targeting = rules.targeting(queue.name)
            let now = clock.now.log
            for event in events {
                if let rule = targeting.first(where: { $0.pattern.matches(event) }) {
                    queue.route(event, rule: rule.definition.name, at: now)
                }
            }
        }
        queue.row.phase = .filling(through: max(filled, position))
        queue.updateCounters()
        wake(queue)
    }
}

extension BusQueue {
    /// The position up to which the queue is filled, or nil if it is not being filled.
    var filledThrough: UInt64? {
        guard case .filling(let position) = row.phase else { return nil }
        return position
    }
}

extension RecordedEvent {
    /// The actor that caused the event, or empty if its metadata names none.
    var actor: String {
        (try? JSON.decode(EventMetadata.self, from: metadata))?.actor ?? ""
    }
}
