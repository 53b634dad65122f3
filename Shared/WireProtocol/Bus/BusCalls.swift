public import EventSourcing

/// The calls that the bus answers.
///
/// Commands and queries are JSON and travel like those of services (docs/protocol.md). `receive`
/// and `acknowledge` are frequent, so they have a compact form: see ``ReceiveRequest`` and
/// ``Acknowledgement``.
public enum BusCall {
    /// The bus's name, used like the name of a service.
    public static let service = "bus"

    // Commands.

    /// Creates or changes a rule. Value: ``RuleDefinition``.
    public static let putRule = "putRule"
    /// Enables or disables a rule. Value: ``SetRuleEnabled``.
    public static let setRuleEnabled = "setRuleEnabled"
    /// Deletes a rule. Value: its name.
    public static let deleteRule = "deleteRule"
    /// Creates or changes a queue. Value: ``QueueDefinition``. An existing queue keeps its grouping
    /// and start.
    public static let putQueue = "putQueue"
    /// Pauses or resumes a queue. Value: ``SetPaused``.
    public static let setQueuePaused = "setQueuePaused"
    /// Removes all events that a queue holds, except its dead letters. Value: its name.
    public static let purgeQueue = "purgeQueue"
    /// Deletes a queue. Value: its name.
    public static let deleteQueue = "deleteQueue"
    /// Puts dead letters back into their queues. Value: ``CloseDeadLetters``. The reply has an
    /// event for each that the command put back, in all of its attempts.
    public static let redrive = "redrive"
    /// Discards dead letters. Value: ``CloseDeadLetters`` with a reason. The reply has an event for
    /// each that the command discarded, in all of its attempts.
    public static let discard = "discard"

    /// Creates an archive. Value: ``ArchiveDefinition``.
    public static let createArchive = "createArchive"
    /// Deletes an archive. Value: its name. The stored events stay where they are.
    public static let deleteArchive = "deleteArchive"
    /// Starts a replay. Value: ``ReplayDefinition``.
    public static let startReplay = "startReplay"
    /// Pauses or resumes a replay. Value: ``SetPaused``.
    public static let setReplayPaused = "setReplayPaused"
    /// Cancels a replay. Value: its name. The events that it has enqueued stay in their queues.
    public static let cancelReplay = "cancelReplay"

    // Queries.

    /// Returns all archives. Value: ``Nothing``. Answer: a list of ``ArchiveView``.
    public static let archives = "archives"
    /// Returns all replays, the latest first. Value: ``Nothing``. Answer: a list of ``ReplayView``.
    public static let replays = "replays"
    /// Returns what a replay would do, without replaying. Value: ``ReplayDefinition``. Answer:
    /// ``ReplayPlan``.
    public static let planReplay = "planReplay"
    /// Returns all rules. Value: ``Nothing``. Answer: a list of ``RuleView``.
    public static let rules = "rules"
    /// Returns all queues. Value: ``Nothing``. Answer: a list of ``QueueView``.
    public static let queues = "queues"
    /// Returns dead letters, the oldest first. Value: ``DeadLettersRequest``. Answer: a list of
    /// ``DeadLetterView``.
    public static let deadLetters = "deadLetters"

    // Deliveries.

    /// Receives deliveries. Argument: JSON ``ReceiveRequest``. Answer: ``Delivery/read(_:)``.
    public static let receive = "receive"
    /// Acknowledges, gives back or extends deliveries. Argument: ``Acknowledgement/frame(_:of:)``.
    ///
    /// Answer: a byte for each, 1 if it took effect and 0 if the delivery was no longer the
    /// consumer's.
    public static let acknowledge = "settle"
    /// Releases a consumer's deliveries. Argument: JSON ``ReleaseRequest``. Answer: their number,
    /// JSON.
    public static let release = "release"
}

/// The command to enable or disable a rule.
public struct SetRuleEnabled: Codable, Hashable, Sendable {
    /// The name of the rule.
    public var name: String
    /// Whether the rule matches events from now on.
    public var isEnabled: Bool

    /// Creates the command.
    public init(name: String, isEnabled: Bool) {
        self.name = name
        self.isEnabled = isEnabled
    }
}

/// The command to pause or resume the deliveries of a queue, or a replay. A paused queue still
/// takes events in.
public struct SetPaused: Codable, Hashable, Sendable {
    /// The name of the queue or replay.
    public var name: String
    /// Whether the queue stops its deliveries, or the replay stops enqueueing events.
    public var isPaused: Bool

    /// Creates the command.
    public init(name: String, isPaused: Bool) {
        self.name = name
        self.isPaused = isPaused
    }
}

/// A selection of dead letters: those that match all given fields.
public struct DeadLetterSelection: Codable, Hashable, Sendable {
    /// The largest number of ids in a selection.
    public static let maximumIDs = 10_000

    /// The ids of the dead letters: the positions of their ``BusEventType/deadLettered``.
    public var ids: [UInt64]?
    /// The name of their queue.
    public var queue: String?
    /// The name of their rule.
    public var rule: String?
    /// Their group.
    public var group: String?

    /// Why the selection is invalid, in one line; nil if it is valid.
    public var fault: String? {
        let count = ids?.count ?? 0
        guard count > Self.maximumIDs else { return nil }
        return "a selection has up to \(Self.maximumIDs) ids, not \(count)"
    }

    /// Creates a selection. Without fields it selects all dead letters.
    public init(
        ids: [UInt64]? = nil, queue: String? = nil, rule: String? = nil, group: String? = nil
    ) {
        self.ids = ids
        self.queue = queue
        self.rule = rule
        self.group = group
    }
}

/// The command to redrive or discard dead letters.
public struct CloseDeadLetters: Codable, Hashable, Sendable {
    /// The dead letters to redrive or discard.
    public var selection: DeadLetterSelection
    /// Why they are discarded, or nil.
    public var reason: String?

    /// Creates the command.
    public init(_ selection: DeadLetterSelection, reason: String? = nil) {
        self.selection = selection
        self.reason = reason
    }
}

/// A request for dead letters, the oldest first.
public struct DeadLettersRequest: Codable, Hashable, Sendable {
    /// The dead letters to return.
    public var selection: DeadLetterSelection
    /// Only dead letters with a higher id.
    public var after: UInt64
    /// The maximum number of dead letters, up to 1,000.
    public var limit: Int

    /// Creates a request. By default it returns the first 500 dead letters.
    public init(
        _ selection: DeadLetterSelection = DeadLetterSelection(), after: UInt64 = 0,
        limit: Int = 500
    ) {
        self.selection = selection
        self.after = after
        self.limit = limit
    }
}

/// A dead letter that is neither redriven nor discarded.
public struct DeadLetterView: Codable, Hashable, Sendable {
    /// The id of the dead letter: the position of its ``BusEventType/deadLettered``.
    public var id: UInt64
    /// The dead event and why it is dead.
    public var letter: DeadLetter
    /// The time at which the queue gave it up.
    public var diedAt: Timestamp
    /// The number of events of its group that wait for it.
    public var waitingBehind: Int

    /// Creates the view of a dead letter.
    public init(id: UInt64, letter: DeadLetter, diedAt: Timestamp, waitingBehind: Int) {
        self.id = id
        self.letter = letter
        self.diedAt = diedAt
        self.waitingBehind = waitingBehind
    }
}

/// A rule and its figures.
public struct RuleView: Codable, Hashable, Sendable {
    /// The rule's definition.
    public var rule: RuleDefinition
    /// Whether the bus maintains the rule for something else, such as an archive.
    public var isManaged: Bool
    /// The number of events it matched since the process started.
    public var matched: UInt64
    /// The time of the last change.
    public var changedAt: Timestamp
    /// The actor of the last change.
    public var changedBy: String

    /// Creates the view of a rule.
    public init(
        rule: RuleDefinition, isManaged: Bool, matched: UInt64, changedAt: Timestamp,
        changedBy: String
    ) {
        self.rule = rule
        self.isManaged = isManaged
        self.matched = matched
        self.changedAt = changedAt
        self.changedBy = changedBy
    }
}

/// A queue and its figures.
public struct QueueView: Codable, Hashable, Sendable {
    /// The queue's definition.
    public var queue: QueueDefinition
    /// Whether its deliveries are paused.
    public var isPaused = false
    /// Whether events from before its first rule are still being enqueued.
    public var isFilling = false
    /// The number of events that are not in flight.
    public var depth = 0
    /// The number of those events that wait for their back-off.
    public var delayed = 0
    /// The number of those events that wait behind a dead letter of their group.
    public var waitingBehindDead = 0
    /// The number of events that are with a consumer.
    public var inFlight = 0
    /// The number of dead letters.
    public var deadLetters = 0
    /// The time at which its oldest event was enqueued, or nil if it is empty.
    public var oldest: Timestamp?
    /// The acknowledged events per second, on average over the last minute.
    public var throughput = 0.0
    /// The number of acknowledged events since the queue was created.
    public var acknowledged: UInt64 = 0
    /// The number of dropped events, for a queue without dead letters.
    public var dropped: UInt64 = 0

    /// Creates the view of an empty queue.
    public init(queue: QueueDefinition) { self.queue = queue }
}
