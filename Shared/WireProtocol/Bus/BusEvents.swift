public import EventSourcing

/// The events in which rules, queues and their dead letters live: the log is their only home, so
/// that their history can be read there, and a copy of the log has them.
///
/// Their categories begin with `$`. No rule sees them.
public enum BusCategory {
    /// A stream for each rule.
    public static let rule = "$rule"
    /// A stream for each queue.
    public static let queue = "$queue"
    /// A stream for each queue's dead letters.
    public static let deadLetter = "$deadletter"

    /// A stream for each archive.
    public static let archive = "$archive"
    /// A stream for each replay.
    public static let replay = "$replay"

    public static let all = [rule, queue, deadLetter, archive, replay]
}

/// The types of the bus's events.
public enum BusEventType: String, Sendable, CaseIterable {
    /// Data: ``RuleDefinition``. The rule is made, or changed.
    case rulePut = "RulePut"
    case ruleDeleted = "RuleDeleted"
    /// Data: ``QueueDefinition``. The queue is made, or changed.
    case queuePut = "QueuePut"
    case queuePaused = "QueuePaused"
    case queueResumed = "QueueResumed"
    /// What the queue held when this was committed is gone.
    case queuePurged = "QueuePurged"
    case queueDeleted = "QueueDeleted"
    /// Data: ``DeadLetter``. Tags and correlation are those of the event that is dead.
    case deadLettered = "DeadLettered"
    /// Data: ``DeadLetterEnd``. It is back in its queue, at its place.
    case deadLetterRedriven = "DeadLetterRedriven"
    /// Data: ``DeadLetterEnd``. It will not be delivered.
    case deadLetterDiscarded = "DeadLetterDiscarded"
    /// Data: ``ArchiveDefinition``.
    case archiveCreated = "ArchiveCreated"
    /// It gets no more events; what it has stays where it is.
    case archiveDeleted = "ArchiveDeleted"
    /// Data: ``ReplayDefinition``.
    case replayStarted = "ReplayStarted"
    case replayPaused = "ReplayPaused"
    case replayResumed = "ReplayResumed"
    case replayCancelled = "ReplayCancelled"
    /// Data: ``ReplayEnd``.
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

/// Why an event is dead: which limit it reached first.
public enum DeathCause: String, Codable, Hashable, Sendable {
    /// It was received as often as the retry policy allows, and never acknowledged.
    case maximumReceives = "MaximumReceives"
    /// It was in the queue for longer than the retry policy allows.
    case maximumAge = "MaximumAge"
    /// Its rule names a queue that is not there.
    case targetNotFound = "TargetNotFound"
}

/// An event that a queue could not deliver.
public struct DeadLetter: Codable, Hashable, Sendable {
    public var queue: String
    /// The rule that sent it there; empty for a replay straight to the queue.
    public var rule: String
    /// The replay that sent it there, if one did.
    public var replay: String?
    /// The event's position in the log, id and type.
    public var position: UInt64
    public var event: EventID
    public var type: String
    /// Its place in the queue.
    public var sequence: UInt64
    /// What it has in common with those that wait behind it.
    public var group: String
    public var cause: DeathCause
    /// What the consumer said last.
    public var error: String?
    /// How often it was received.
    public var receives: Int
    public var enqueuedAt: Timestamp
    public var firstReceivedAt: Timestamp?

    public init(
        queue: String, rule: String, replay: String?, position: UInt64, event: EventID,
        type: String, sequence: UInt64, group: String, cause: DeathCause, error: String?,
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

/// A dead letter's end. Who ended it is in the metadata.
public struct DeadLetterEnd: Codable, Hashable, Sendable {
    public var queue: String
    /// The position of its ``BusEventType/deadLettered``.
    public var deadLetter: UInt64
    /// The event's position.
    public var position: UInt64
    /// Why it was discarded.
    public var reason: String?

    public init(queue: String, deadLetter: UInt64, position: UInt64, reason: String? = nil) {
        self.queue = queue
        self.deadLetter = deadLetter
        self.position = position
        self.reason = reason
    }
}
