import EventPattern
import EventSourcing
import WireProtocol

/// Decides on all rules, queues, archives and replays together, because they refer to each other.
enum Definitions: Decider {
    enum Command: Hashable, Sendable {
        case putRule(RuleDefinition)
        case setRuleEnabled(SetRuleEnabled)
        case deleteRule(String)
        case putQueue(QueueDefinition)
        case setQueuePaused(SetPaused)
        case purgeQueue(String)
        case deleteQueue(String)
        case createArchive(ArchiveDefinition)
        case deleteArchive(String)
        case startReplay(ReplayDefinition)
        case setReplayPaused(SetPaused)
        case cancelReplay(String)
        case endReplay(String, ReplayEnd)
    }

    enum Event: Hashable, Sendable {
        case rulePut(RuleDefinition)
        case queuePut(QueueDefinition)
        case archiveCreated(ArchiveDefinition)
        case replayStarted(ReplayDefinition)
        case replayEnded(String, ReplayEnd)
        /// An event of a type without data, about the thing with this name.
        case named(BusEventType, String)
    }

    static let initial = State()

    static func decide(
        _ command: Command, given state: State
    ) throws(DaybookError) -> [Event] {
        try State.check(fault: command.fault)
        switch command {
        case .putRule(let rule):
            try state.check(.rulePut(rule))
            if let missing = rule.targets.lazy.compactMap(\.queue).first(where: {
                state.queues[$0] == nil
            }) {
                throw .unknown(
                    "target queue", missing, among: state.queues.keys, advice: "create it first")
            }
            return state.rules[rule.name] == rule ? [] : [.rulePut(rule)]
        case .setRuleEnabled(let change):
            var rule = try state.rule(change.name)
            guard rule.isEnabled != change.isEnabled else { return [] }
            rule.isEnabled = change.isEnabled
            return [.rulePut(rule)]
        case .putQueue(let queue):
            return try state.put(queue)
        case .setQueuePaused(let change):
            let isPaused = try state.queue(change.name).isPaused
            guard isPaused != change.isPaused else { return [] }
            return [.named(change.isPaused ? .queuePaused : .queueResumed, change.name)]
        case .startReplay(let replay):
            return try state.start(replay)
        case .setReplayPaused(let change):
            let isAtWork = try state.openReplay(change.name) != .paused
            guard isAtWork == change.isPaused else { return [] }
            return [.named(change.isPaused ? .replayPaused : .replayResumed, change.name)]
        case .deleteRule(let name): return try state.checked(.named(.ruleDeleted, name))
        case .purgeQueue(let name): return try state.checked(.named(.queuePurged, name))
        case .deleteQueue(let name): return try state.checked(.named(.queueDeleted, name))
        case .createArchive(let archive): return try state.checked(.archiveCreated(archive))
        case .deleteArchive(let name): return try state.checked(.named(.archiveDeleted, name))
        case .cancelReplay(let name): return try state.checked(.named(.replayCancelled, name))
        case .endReplay(let name, let end):
            return state.replays[name]?.isEnd == false ? [.replayEnded(name, end)] : []
        }
    }

    static func objection(to event: Event, given state: State) -> String? {
        do {
            try state.check(event)
            return nil
        } catch {
            return error.description
        }
    }
}

extension Definitions.Command {
    /// Why its definition is invalid, in one line, or nil. Events of the log are checked when they
    /// are decoded.
    fileprivate var fault: String? {
        switch self {
        case .putRule(let rule): rule.fault
        case .putQueue(let queue): queue.fault
        case .createArchive(let archive): archive.fault
        default: nil
        }
    }
}

extension Definitions.State {
    fileprivate func put(_ queue: QueueDefinition) throws(DaybookError) -> [Definitions.Event] {
        try checkKept(queue)
        return queues[queue.name]?.definition == queue ? [] : [.queuePut(queue)]
    }

    /// Throws if the queue exists and would change its grouping, or its start after a rule has
    /// targeted it. Its entries depend on them.
    private func checkKept(_ queue: QueueDefinition) throws(DaybookError) {
        guard let known = queues[queue.name] else { return }
        let definition = known.definition
        try require(
            definition.grouping == queue.grouping
                && (definition.start == queue.start || !known.hasStarted), .rejected,
            "queue '\(queue.name)' has grouping \(definition.grouping) and start "
                + "\(definition.start), which can't be changed; delete it, or create another")
    }

    /// The replay's own queue is created if it does not exist.
    fileprivate func start(
        _ replay: ReplayDefinition
    ) throws(DaybookError) -> [Definitions.Event] {
        var events: [Definitions.Event] = [.replayStarted(replay)]
        if let queue = replay.queue, queues[queue] == nil {
            events.insert(.queuePut(QueueDefinition(name: queue)), at: 0)
        }
        try Definitions.fold(events.dropLast(), onto: self).check(.replayStarted(replay))
        return events
    }

    fileprivate func checked(
        _ event: Definitions.Event
    ) throws(DaybookError) -> [Definitions.Event] {
        try check(event)
        return [event]
    }
}

// MARK: - Checks

extension Definitions.State {
    /// Throws why the event can't happen: its pattern is invalid, or it names something that does
    /// not exist.
    fileprivate func check(_ event: Definitions.Event) throws(DaybookError) {
        switch event {
        case .rulePut(let rule):
            try checkIsUnmanaged(rule: rule.name)
            try Self.check(pattern: rule.pattern)
        case .queuePut(let queue): try checkKept(queue)
        case .archiveCreated(let archive): try check(archive)
        case .replayStarted(let replay): try check(replay)
        case .replayEnded(let name, _): _ = try openReplay(name)
        case .named(let type, let name):
            switch type.category {
            case BusCategory.rule: _ = try rule(name)
            case BusCategory.queue: _ = try queue(name)
            case BusCategory.archive: _ = try known(name, in: archives, "archive")
            default: _ = try openReplay(name)
            }
        }
    }

    fileprivate static func check(fault: String?) throws(DaybookError) {
        if let fault { throw DaybookError(.invalid, fault) }
    }

    private static func check(pattern: String?) throws(DaybookError) {
        guard let pattern else { return }
        do {
            _ = try EventPattern(pattern)
        } catch {
            throw DaybookError(error.kind, error.description)
        }
    }

    private func check(_ archive: ArchiveDefinition) throws(DaybookError) {
        try Self.check(pattern: archive.pattern)
        try archive.checkPlace()
        try require(
            archives[archive.name] == nil, .rejected,
            "there is an archive '\(archive.name)' already; choose another name")
        try require(
            rules[archive.rule.name] == nil, .rejected,
            "there is a rule '\(archive.rule.name)' already, the name that the archive's own rule "
                + "needs; choose another name")
    }

    private func check(_ replay: ReplayDefinition) throws(DaybookError) {
        try checkPlan(replay)
        try require(
            replays[replay.name] == nil, .rejected,
            "there is a replay '\(replay.name)' already; choose another name")
        if let queue = replay.queue { _ = try self.queue(queue) }
    }

    /// Throws if the replay is invalid or names something that does not exist. Its own queue need
    /// not exist, because its start creates the queue.
    func checkPlan(_ replay: ReplayDefinition) throws(DaybookError) {
        try Self.check(fault: replay.fault)
        try Self.check(pattern: replay.pattern)
        if let name = replay.archive { _ = try known(name, in: archives, "archive") }
        for name in replay.rules { _ = try known(name, in: rules, "rule") }
        for name in replay.rules where rules[name]?.isEnabled == false {
            throw DaybookError(.rejected, "rule '\(name)' is disabled; enable it first")
        }
    }

    /// The names of all rules, with those that belong to archives.
    var ruleNames: [String] { rules.keys + archives.values.map(\.rule.name) }

    fileprivate func rule(_ name: String) throws(DaybookError) -> RuleDefinition {
        if rules[name] == nil { try checkIsUnmanaged(rule: name) }
        return try known(name, in: rules, "rule")
    }

    /// Throws if the rule with this name belongs to an archive.
    private func checkIsUnmanaged(rule name: String) throws(DaybookError) {
        for archive in archives.values where archive.rule.name == name {
            throw DaybookError(
                .rejected, "rule '\(name)' belongs to archive '\(archive.name)'; change the archive"
            )
        }
    }

    fileprivate func queue(_ name: String) throws(DaybookError) -> Queue {
        try known(name, in: queues, "queue")
    }

    private func known<Value>(
        _ name: String, in values: [String: Value], _ kind: String
    ) throws(DaybookError) -> Value {
        guard let value = values[name] else { throw .unknown(kind, name, among: values.keys) }
        return value
    }

    /// Returns the state of a replay that has not ended.
    fileprivate func openReplay(_ name: String) throws(DaybookError) -> ReplayState {
        let state = try known(name, in: replays, "replay")
        try require(!state.isEnd, .rejected, "replay '\(name)' is over: \(state.rawValue)")
        return state
    }
}
