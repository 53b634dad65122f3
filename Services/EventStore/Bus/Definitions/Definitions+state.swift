import EventSourcing
import WireProtocol

extension Definitions {
    /// The current definitions, by name.
    struct State: Hashable, Sendable {
        struct Queue: Hashable, Sendable {
            var definition: QueueDefinition
            var isPaused = false
            /// Whether an enabled rule has targeted the queue. From then on its start is fixed.
            var hasStarted = false
        }

        fileprivate(set) var rules: [String: RuleDefinition] = [:]
        fileprivate(set) var queues: [String: Queue] = [:]
        fileprivate(set) var archives: [String: ArchiveDefinition] = [:]
        fileprivate(set) var replays: [String: ReplayState] = [:]

        /// Creates the state from stored definitions.
        init(
            rules: [RuleDefinition] = [], queues: [Queue] = [],
            archives: [ArchiveDefinition] = [], replays: [String: ReplayState] = [:]
        ) {
            for rule in rules { self.rules[rule.name] = rule }
            for queue in queues { self.queues[queue.definition.name] = queue }
            for archive in archives { self.archives[archive.name] = archive }
            self.replays = replays
        }
    }

    static func evolve(_ state: inout State, with event: Event) {
        switch event {
        case .rulePut(let rule):
            state.rules[rule.name] = rule
            guard rule.isEnabled else { return }
            for queue in rule.targets.compactMap(\.queue) {
                state.queues[queue]?.hasStarted = true
            }
        case .named(.ruleDeleted, let name): state.rules[name] = nil
        case .queuePut(let queue): state.put(queue)
        case .named(.queuePaused, let name): state.queues[name]?.isPaused = true
        case .named(.queueResumed, let name): state.queues[name]?.isPaused = false
        case .named(.queueDeleted, let name): state.queues[name] = nil
        case .archiveCreated(let archive): state.archives[archive.name] = archive
        case .named(.archiveDeleted, let name): state.archives[name] = nil
        case .replayStarted(let replay): state.replays[replay.name] = .starting
        case .named(.replayPaused, let name): state.replays[name] = .paused
        case .named(.replayResumed, let name): state.replays[name] = .running
        case .named(.replayCancelled, let name): state.replays[name] = .cancelled
        case .replayEnded(let name, let end): state.replays[name] = end.state
        case .named: break  // A purge changes no definition.
        }
    }
}

extension Definitions.State {
    fileprivate mutating func put(_ definition: QueueDefinition) {
        let isTargeted = rules.values.contains {
            $0.isEnabled && $0.targets.contains(.queue(definition.name))
        }
        // A rule may target the queue before it is created.
        queues[definition.name, default: Queue(definition: definition, hasStarted: isTargeted)]
            .definition = definition
    }
}
