import DequeModule
import EventPattern
import EventSourcing
import EventStoreClient
import Foundation
import JSON
import Logging
import WireProtocol

extension Bus {
    // MARK: Commands

    /// Appends the events that the command leads to, and returns when the bus has applied them.
    func execute(_ command: Definitions.Command, _ cause: Cause) async throws -> Outcome {
        if let outcome = try await earlierOutcome(of: cause) { return outcome }
        while true {
            let changes = try Definitions.decide(command, given: definitions)
            guard !changes.isEmpty else { return .nothing }
            // The last event has index 0, by which a repeated command is found.
            let events = try changes.enumerated().map {
                try $1.newEvent(cause, at: changes.count - 1 - $0)
            }
            let unchanged = AppendCondition.NoneMatching(
                .categories(Definitions.categories), after: routed)
            do {
                let appended = try await client.append(
                    events, AppendCondition(noneMatching: unchanged))
                try await routed(through: appended.last)
                return appended.isRepeat
                    ? .repeated(position: appended.last)
                    : .appended(appended, types: events.map(\.type))
            } catch let error as ProtocolError where error.code == .conditionFailed {
                // Decide again on what the definitions are now.
                try await routed(through: error.detail)
            }
        }
    }

    /// Returns the outcome of the command's earlier attempt, or nil if it had no effect.
    func earlierOutcome(of cause: Cause) async throws -> Outcome? {
        guard cause.mayBeRepeat else { return nil }
        return try await client.event(id: cause.eventID(0)).map { .repeated(position: $0.position) }
    }

    // MARK: Events

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
            guard let change = try Definitions.Event(type, event) else {
                return try await applyDeadLetter(type, event)
            }
            if let objection = Definitions.objection(to: change, given: definitions) {
                throw DaybookError(.invalid, objection)
            }
            Definitions.evolve(&definitions, with: change)
            try apply(change, event)
        } catch let error as DaybookError where error.kind == .invalid || error.kind == .notFound {
            ignore(event, error.description)
        } catch let error as DecodingError {
            ignore(event, error.oneLine)
        }
    }

    private func ignore(_ event: RecordedEvent, _ reason: String) {
        logger.error(
            "an event has no effect",
            metadata: [
                "position": "\(event.position)", "type": "\(event.type)", "reason": "\(reason)",
            ])
    }

    private func apply(_ change: Definitions.Event, _ event: RecordedEvent) throws {
        switch change {
        case .rulePut(let rule): try put(rule, event)
        case .ruleDeleted(let name):
            rules.remove(name)
            changes.rules[name] = .some(nil)
        case .queuePut(let queue): put(queue, at: event.position)
        case .queuePaused(let name): pause(try queue(name), true)
        case .queueResumed(let name): pause(try queue(name), false)
        case .queuePurged(let name): try queue(name).purge()
        case .queueDeleted(let name): delete(try queue(name))
        case .archiveCreated(let archive): try create(archive, event)
        case .archiveDeleted(let name): deleteArchive(name)
        case .replayStarted(let replay): start(replay, event)
        case .replayPaused(let name): self.change(replay: name, to: .paused, at: event.time)
        case .replayResumed(let name): self.change(replay: name, to: .running, at: event.time)
        case .replayCancelled(let name): self.change(replay: name, to: .cancelled, at: event.time)
        case .replayEnded(let name, let end):
            self.change(replay: name, to: end.state, at: event.time, reason: end.reason)
        }
    }

    private func put(_ rule: RuleDefinition, _ event: RecordedEvent) throws {
        let row = RuleRow(rule: rule, changedAt: event.time, changedBy: event.actor)
        try put(row)
        changes.rules[rule.name] = row
        guard rule.isEnabled else { return }
        for target in rule.targets.compactMap(\.queue) { start(target, at: event.position) }
    }

    func put(_ row: RuleRow) throws {
        rules.put(try Rule(row))
        for target in row.rule.targets where target.queue == nil {
            logger.error(
                "a target gets no events, because this version does not know its kind",
                metadata: ["rule": "\(row.rule.name)", "target": "\(target)"])
        }
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
