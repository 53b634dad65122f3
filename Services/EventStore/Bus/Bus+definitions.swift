import EventSourcing
import EventStoreClient
import Foundation
import JSON
import Logging
import Observability
import WireProtocol

extension Bus {
    // MARK: Commands

    /// Appends the events that the command leads to, and returns when the bus has applied them.
    func execute(_ command: Definitions.Command, _ cause: Cause) async throws -> Outcome {
        while true {
            // Another attempt may be under way, so this is looked up before each decision.
            if let outcome = try await earlierOutcome(of: cause) { return outcome }
            try cause.checkDeadline(at: .now())
            let changes = try Definitions.decide(command, given: definitions)
            guard !changes.isEmpty else { return .nothing }
            let events = try changes.enumerated().map { try $1.newEvent(cause, at: $0) }
            let unchanged = AppendCondition.NoneMatching(
                .categories(Definitions.categories), after: router.position)
            do {
                let appended = try await appendOwn(
                    events, AppendCondition(noneMatching: unchanged))
                try await routed(through: appended.last)
                return appended.isRepeat
                    ? .repeated(position: appended.last, types: events.map(\.type))
                    : .appended(appended, types: events.map(\.type))
            } catch let error as ProtocolError where error.code == .conditionFailed {
                // Decide again on what the definitions are now.
                try await routed(through: error.detail)
            } catch let error as ProtocolError where error.code == .idReused {
                // Another attempt was faster, and was decided on other definitions.
                if let outcome = try await earlierOutcome(of: cause) { return outcome }
                throw error
            }
        }
    }

    /// Returns the outcome of the command's earlier attempt, or nil if that appended nothing.
    ///
    /// - Throws: `idReused` if another command has used the id.
    func earlierOutcome(of cause: Cause) async throws -> Outcome? {
        try await client.earlierOutcome(of: cause) { BusCategory.all.contains($0.category) }
    }

    // MARK: Events

    /// Applies an event of the bus's streams.
    ///
    /// Only events that the bus's own commands append are checked before the append. An event of an
    /// import or of an earlier version may be invalid. Such an event has no effect and is logged.
    func apply(_ event: RecordedEvent) async throws {
        if event.category == AmendmentEventType.category { cache.removeAll() }
        guard BusCategory.all.contains(event.category) else { return }
        do {
            let type = try BusEventType(rawValue: event.type)
                .flatMap { $0.category == event.category ? $0 : nil }
                .orThrow(.invalid, "streams of '\(event.category)' have no such events")
            guard let change = try Definitions.Event(type, event) else {
                return try await applyDeadLetter(type, event)
            }
            if let objection = Definitions.objection(to: change, given: definitions) {
                throw DaybookError(.invalid, objection)
            }
            Definitions.evolve(&definitions, with: change)
            try await apply(change, event)
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

    /// Lets the owners apply a change of the definitions.
    private func apply(_ change: Definitions.Event, _ event: RecordedEvent) async throws {
        let now = clock.now
        switch change {
        case .rulePut(let rule): try put(rule, event)
        case .named(.ruleDeleted, let name):
            router.remove(rule: name)
            commits.record(WriteBatch(rules: [name: nil]))
        case .queuePut(let queue): try await put(queue: queue.name, at: event.position)
        case .named(.queuePaused, let name): update { $0.setPaused(name, true, at: now) }
        case .named(.queueResumed, let name): update { $0.setPaused(name, false, at: now) }
        case .named(.queuePurged, let name):
            update { $0.purge(name, through: event.position, at: now) }
        case .named(.queueDeleted, let name): update { $0.delete(name) }
        case .archiveCreated(let archive):
            let row = ArchiveRow(
                definition: archive, createdAt: event.time, createdBy: event.actor)
            try add(row)
            commits.record(WriteBatch(archives: [archive.name: row]))
        case .named(.archiveDeleted, let name):
            archives.removeValue(forKey: name)?.stop()
            commits.record(WriteBatch(archives: [name: nil]))
        case .replayStarted(let replay): replays.start(replay, by: event)
        case .named(.replayPaused, let name):
            replays.setState(of: name, to: .paused, at: event.time)
        case .named(.replayResumed, let name):
            replays.setState(of: name, to: .running, at: event.time)
        case .named(.replayCancelled, let name):
            replays.setState(of: name, to: .cancelled, at: event.time)
        case .replayEnded(let name, let end):
            if let delivered = replays[name]?.delivered, delivered < end.delivered {
                logger.warning(
                    "the events of an ended replay are lost with the bus's files; start it again",
                    metadata: ["replay": "\(name)", "lost": "\(end.delivered - delivered)"])
            }
            replays.setState(of: name, to: end.state, at: event.time, reason: end.reason)
        case .named: break  // No other type is without data.
        }
        if event.category == BusCategory.replay { replaySignal.send() }
    }

    private func put(_ rule: RuleDefinition, _ event: RecordedEvent) throws {
        let row = RuleRow(rule: rule, changedAt: event.time, changedBy: event.actor)
        try put(row)
        commits.record(WriteBatch(rules: [rule.name: row]))
        guard rule.isEnabled else { return }
        for queue in rule.targets.compactMap(\.queue) {
            deliveries[queue]?.start(at: event.position)
        }
        fillSignal.send()
    }

    func put(_ row: RuleRow) throws {
        try router.put(row)
        for target in row.rule.targets where target.queue == nil {
            logger.error(
                "a target gets no events, because this version does not know its kind",
                metadata: ["rule": "\(row.rule.name)", "target": "\(target)"])
        }
    }

    private func put(queue name: String, at position: UInt64) async throws {
        guard let queue = definitions.queues[name] else { return }
        let before = deliveries[name]?.row.definition.afterDeath
        update { $0.put(queue.definition, at: position, now: clock.now) }
        if before == nil { try await adoptDeadLetters(of: name) }
        if before != .wait, queue.definition.afterDeath == .wait, deadLetters.count(of: name) > 0 {
            // Groups wait behind dead letters of before, too.
            try await stored()
            try await blockDeadGroups(of: [name])
        }
        guard queue.hasStarted else { return }
        deliveries[name]?.start(at: position)
        fillSignal.send()
    }

    /// Adds an archive, and lets its archiver run.
    func add(_ row: ArchiveRow) throws {
        let archiver = try Archiver(
            row, of: log, in: archiveRoots, client: client, logger: logger)
        archives[row.definition.name] = archiver
        newArchivers.continuation.yield(archiver)
    }
}

extension Definitions.State.Queue {
    init(_ row: QueueRow) {
        self.init(
            definition: row.definition, isPaused: row.isPaused,
            hasStarted: row.phase != .unstarted)
    }
}
