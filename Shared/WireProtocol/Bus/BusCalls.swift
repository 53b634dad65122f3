public import EventSourcing

/// The calls that the bus answers. Commands are sent as services' commands are, and queries as
/// services' queries (docs/protocol.md); both are JSON. `receive` and `settle`, which there are
/// many of, are not: see ``ReceiveRequest`` and ``Settlement``.
public enum BusCall {
    /// What answers them, as services have names.
    public static let service = "bus"

    // Commands.

    /// ``RuleDefinition``: makes or changes the rule.
    public static let putRule = "putRule"
    /// ``SetRuleEnabled``
    public static let setRuleEnabled = "setRuleEnabled"
    /// The rule's name.
    public static let deleteRule = "deleteRule"
    /// ``QueueDefinition``: makes the queue, or changes one, whose grouping and start stay.
    public static let putQueue = "putQueue"
    /// ``SetQueuePaused``
    public static let setQueuePaused = "setQueuePaused"
    /// The queue's name: what it holds now is removed, but for its dead letters.
    public static let purgeQueue = "purgeQueue"
    /// The queue's name.
    public static let deleteQueue = "deleteQueue"
    /// ``EndDeadLetters``: back to their queues. The reply has an event for each.
    public static let redrive = "redrive"
    /// ``EndDeadLetters``, with a reason. The reply has an event for each.
    public static let discard = "discard"

    /// ``ArchiveDefinition``
    public static let createArchive = "createArchive"
    /// The archive's name. What is in it stays where it is.
    public static let deleteArchive = "deleteArchive"
    /// ``ReplayDefinition``
    public static let startReplay = "startReplay"
    /// ``SetReplayPaused``
    public static let setReplayPaused = "setReplayPaused"
    /// The replay's name. What it has put into queues stays there.
    public static let cancelReplay = "cancelReplay"

    // Queries.

    /// ``Nothing``, answered with a list of ``ArchiveView``.
    public static let archives = "archives"
    /// ``Nothing``, answered with a list of ``ReplayView``, the latest first.
    public static let replays = "replays"
    /// ``ReplayDefinition``, answered with a ``ReplayPlan``: nothing is replayed.
    public static let planReplay = "planReplay"
    /// ``Nothing``, answered with a list of ``RuleView``.
    public static let rules = "rules"
    /// ``Nothing``, answered with a list of ``QueueView``.
    public static let queues = "queues"
    /// ``DeadLettersRequest``, answered with a list of ``DeadLetterView``.
    public static let deadLetters = "deadLetters"

    // Deliveries.

    /// Argument: JSON ``ReceiveRequest``. Answer: ``Delivery/read(_:)``.
    public static let receive = "receive"
    /// Argument: ``Settlement/frame(_:of:)``. Answer: a byte for each, 1 if it took effect and 0
    /// if the delivery was no longer the consumer's.
    public static let settle = "settle"
    /// Argument: JSON ``ReleaseRequest``. Answer: the number of deliveries, JSON.
    public static let release = "release"
}

/// Lets a rule match again, or not for now.
public struct SetRuleEnabled: Codable, Hashable, Sendable {
    public var name: String
    public var isEnabled: Bool

    public init(name: String, isEnabled: Bool) {
        self.name = name
        self.isEnabled = isEnabled
    }
}

/// Has a queue deliver nothing for now, or again; what comes meanwhile is kept.
public struct SetQueuePaused: Codable, Hashable, Sendable {
    public var name: String
    public var isPaused: Bool

    public init(name: String, isPaused: Bool) {
        self.name = name
        self.isPaused = isPaused
    }
}

/// Has a replay rest, or go on.
public struct SetReplayPaused: Codable, Hashable, Sendable {
    public var name: String
    public var isPaused: Bool

    public init(name: String, isPaused: Bool) {
        self.name = name
        self.isPaused = isPaused
    }
}

/// Which dead letters: those that fit all that is given.
public struct DeadLetterSelection: Codable, Hashable, Sendable {
    /// The positions of their ``BusEventType/deadLettered``.
    public var ids: [UInt64]?
    public var queue: String?
    public var rule: String?
    public var group: String?

    public init(
        ids: [UInt64]? = nil, queue: String? = nil, rule: String? = nil, group: String? = nil
    ) {
        self.ids = ids
        self.queue = queue
        self.rule = rule
        self.group = group
    }
}

/// Redrives or discards dead letters.
public struct EndDeadLetters: Codable, Hashable, Sendable {
    public var selection: DeadLetterSelection
    /// Why, for those that are discarded.
    public var reason: String?

    public init(_ selection: DeadLetterSelection, reason: String? = nil) {
        self.selection = selection
        self.reason = reason
    }
}

/// Asks for dead letters, the oldest first.
public struct DeadLettersRequest: Codable, Hashable, Sendable {
    public var selection: DeadLetterSelection
    /// Those whose id is higher.
    public var after: UInt64
    public var limit: Int

    public init(
        _ selection: DeadLetterSelection = DeadLetterSelection(), after: UInt64 = 0,
        limit: Int = 500
    ) {
        self.selection = selection
        self.after = after
        self.limit = limit
    }
}

/// A dead letter that was neither redriven nor discarded.
public struct DeadLetterView: Codable, Hashable, Sendable {
    /// The position of its ``BusEventType/deadLettered``: by it the letter is named.
    public var id: UInt64
    public var letter: DeadLetter
    public var diedAt: Timestamp
    /// How many events of its group wait behind it.
    public var waitingBehind: Int

    public init(id: UInt64, letter: DeadLetter, diedAt: Timestamp, waitingBehind: Int) {
        self.id = id
        self.letter = letter
        self.diedAt = diedAt
        self.waitingBehind = waitingBehind
    }
}

/// A rule, and what it has done.
public struct RuleView: Codable, Hashable, Sendable {
    public var rule: RuleDefinition
    /// Whether the bus keeps it for something else, such as an archive.
    public var isManaged: Bool
    /// How many events it matched since the process began.
    public var matched: UInt64
    /// When it was last put, and by whom.
    public var changedAt: Timestamp
    public var changedBy: String

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

/// A queue, and how it is doing.
public struct QueueView: Codable, Hashable, Sendable {
    public var queue: QueueDefinition
    public var isPaused: Bool
    /// Whether events from before its first rule are still being put into it.
    public var isFilling: Bool
    /// Events in it that are not in flight, all of them.
    public var depth: Int
    /// Of those, how many wait for their back-off to pass.
    public var delayed: Int
    /// Of those, how many wait behind a dead letter of their group.
    public var waitingBehindDead: Int
    /// Events that are with a consumer.
    public var inFlight: Int
    public var deadLetters: Int
    /// When the oldest event in it came; nil if there is none.
    public var oldest: Timestamp?
    /// Acknowledged in a second, on average over the last minute.
    public var throughput: Double
    /// Acknowledged since the queue was made.
    public var acknowledged: UInt64
    /// Dropped, for a queue without dead letters.
    public var dropped: UInt64

    public init(
        queue: QueueDefinition, isPaused: Bool, isFilling: Bool, depth: Int, delayed: Int,
        waitingBehindDead: Int, inFlight: Int, deadLetters: Int, oldest: Timestamp?,
        throughput: Double, acknowledged: UInt64, dropped: UInt64
    ) {
        self.queue = queue
        self.isPaused = isPaused
        self.isFilling = isFilling
        self.depth = depth
        self.delayed = delayed
        self.waitingBehindDead = waitingBehindDead
        self.inFlight = inFlight
        self.deadLetters = deadLetters
        self.oldest = oldest
        self.throughput = throughput
        self.acknowledged = acknowledged
        self.dropped = dropped
    }
}
