public import EventSourcing

/// The categories of the bus's own events.
///
/// Rules, queues and dead letters are stored in these events only, so the log has their history and
/// a copy of the log has them all.
///
/// The categories begin with `$`. No rule matches their events.
public enum BusCategory {
    /// The category of rules, with a stream for each rule.
    public static let rule = "$rule"
    /// The category of queues, with a stream for each queue.
    public static let queue = "$queue"
    /// The category of dead letters, with a stream for each queue.
    public static let deadLetter = "$deadletter"

    /// The category of archives, with a stream for each archive.
    public static let archive = "$archive"
    /// The category of replays, with a stream for each replay.
    public static let replay = "$replay"

    /// All categories of the bus.
    public static let all = [rule, queue, deadLetter, archive, replay]
}

/// The types of the bus's events.
public enum BusEventType: String, Sendable, CaseIterable {
    /// A rule was created or changed. Data: ``RuleDefinition``.
    case rulePut = "RulePut"
    /// A rule was deleted.
    case ruleDeleted = "RuleDeleted"
    /// A queue was created or changed. Data: ``QueueDefinition``.
    case queuePut = "QueuePut"
    /// A queue stopped its deliveries.
    case queuePaused = "QueuePaused"
    /// A queue resumed its deliveries.
    case queueResumed = "QueueResumed"
    /// A queue was emptied of what it held at this position.
    case queuePurged = "QueuePurged"
    /// A queue was deleted.
    case queueDeleted = "QueueDeleted"
    /// A queue gave up an event. Data: ``DeadLetter``. Tags and correlation are those of the dead
    /// event.
    case deadLettered = "DeadLettered"
    /// A dead letter went back to its place in the queue. Data: ``DeadLetterClosure``.
    case deadLetterRedriven = "DeadLetterRedriven"
    /// A dead letter was discarded: it is never redelivered. Data: ``DeadLetterClosure``.
    case deadLetterDiscarded = "DeadLetterDiscarded"
    /// An archive was created. Data: ``ArchiveDefinition``.
    case archiveCreated = "ArchiveCreated"
    /// An archive stopped archiving. What it has stored stays where it is.
    case archiveDeleted = "ArchiveDeleted"
    /// A replay was started. Data: ``ReplayDefinition``.
    case replayStarted = "ReplayStarted"
    /// A replay was paused.
    case replayPaused = "ReplayPaused"
    /// A replay was resumed.
    case replayResumed = "ReplayResumed"
    /// A replay was cancelled.
    case replayCancelled = "ReplayCancelled"
    /// A replay ended. Data: ``ReplayEnd``.
    case replayEnded = "ReplayEnded"

    /// The category of the streams that hold events of this type.
    public var category: String {
        switch self {
        case .rulePut, .ruleDeleted: BusCategory.rule
        case .queuePut, .queuePaused, .queueResumed, .queuePurged, .queueDeleted: BusCategory.queue
        case .deadLettered, .deadLetterRedriven, .deadLetterDiscarded: BusCategory.deadLetter
        case .archiveCreated, .archiveDeleted: BusCategory.archive
        case .replayStarted, .replayPaused, .replayResumed, .replayCancelled, .replayEnded:
            BusCategory.replay
        }
    }
}

/// Why an event is dead: the first limit that it reached, or that its consumer can't read it.
public enum DeadLetterCause: String, Codable, Hashable, Sendable {
    /// The event reached the retry policy's receive count without an acknowledgement.
    case maximumReceives = "MaximumReceives"
    /// The event was in the queue longer than the retry policy allows.
    case maximumAge = "MaximumAge"
    /// The rule of the event names a queue that does not exist.
    case targetNotFound = "TargetNotFound"
    /// The consumer can't read the event, so a retry would not help.
    case unreadable = "Unreadable"
}

/// An event that a queue could not deliver.
public struct DeadLetter: Codable, Hashable, Sendable {
    /// The name of the queue.
    public var queue: String
    /// The rule that sent the event, or empty for a replay straight to the queue.
    public var rule: String
    /// The replay that sent the event, or nil if none did.
    public var replay: String?
    /// The position of the event in the log.
    public var position: UInt64
    /// The id of the event.
    public var event: EventID
    /// The type of the event.
    public var type: String
    /// The event's place in the queue.
    public var sequence: UInt64
    /// The group of the event. The events of a group are delivered in order.
    public var group: String
    /// Why the event is dead.
    public var cause: DeadLetterCause
    /// The error that the consumer reported last, or nil.
    public var error: String?
    /// The receive count: how often the event was delivered.
    public var receives: Int
    /// The time at which the event was enqueued.
    public var enqueuedAt: Timestamp
    /// The time of the first delivery, or nil if there was none.
    public var firstReceivedAt: Timestamp?

    /// Creates a dead letter.
    public init(
        queue: String, rule: String, replay: String?, position: UInt64, event: EventID,
        type: String, sequence: UInt64, group: String, cause: DeadLetterCause, error: String?,
        receives: Int, enqueuedAt: Timestamp, firstReceivedAt: Timestamp?
    ) {
        self.queue = queue
        self.rule = rule
        self.replay = replay
        self.position = position
        self.event = event
        self.type = type
        self.sequence = sequence
        self.group = group
        self.cause = cause
        self.error = error
        self.receives = receives
        self.enqueuedAt = enqueuedAt
        self.firstReceivedAt = firstReceivedAt
    }
}

/// The redrive or discard of a dead letter. The metadata of its event says who requested it.
public struct DeadLetterClosure: Codable, Hashable, Sendable {
    /// The name of the queue.
    public var queue: String
    /// The dead letter's id: the position of its ``BusEventType/deadLettered``.
    public var deadLetter: UInt64
    /// The position of the dead event in the log.
    public var position: UInt64
    /// Why it was discarded, or nil.
    public var reason: String?

    /// Creates the data of a redrive or discard.
    public init(queue: String, deadLetter: UInt64, position: UInt64, reason: String? = nil) {
        self.queue = queue
        self.deadLetter = deadLetter
        self.position = position
        self.reason = reason
    }
}
