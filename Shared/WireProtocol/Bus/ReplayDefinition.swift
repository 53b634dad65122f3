public import EventSourcing

/// A replay: past events are enqueued once more, in the order of the log.
public struct ReplayDefinition: Codable, Hashable, Sendable {
    /// The replay's name: 1 to 64 letters, digits and `. - _`. Its deliveries carry it.
    public var name: String
    /// The archive to take events from, or nil for the log.
    public var archive: String?
    /// The earliest time of commit, or nil for no bound.
    public var since: Timestamp?
    /// The time before which events were committed, or nil for the start of the replay.
    public var until: Timestamp?
    /// An event pattern, JSON, that events must match in addition to the rules, or nil.
    public var pattern: String?
    /// The rules whose targets get the events that they match. Empty if there is a queue.
    public var rules: [String]
    /// The queue that gets all events, created if it does not exist. Nil if there are rules.
    public var queue: String?
    /// The maximum number of events per second: 0.001 to 10,000,000. Nil for no limit.
    public var rate: Double?
    /// The speed relative to the times of the events: 0.001 to 1,000,000. Nil for no limit.
    public var speed: Double?

    /// Creates the definition of a replay.
    public init(
        name: String, archive: String? = nil, since: Timestamp? = nil, until: Timestamp? = nil,
        pattern: String? = nil, rules: [String] = [], queue: String? = nil, rate: Double? = nil,
        speed: Double? = nil
    ) {
        self.name = name
        self.archive = archive
        self.since = since
        self.until = until
        self.pattern = pattern
        self.rules = rules
        self.queue = queue
        self.rate = rate
        self.speed = speed
    }

    /// Why the definition is invalid, in one line, or nil. It does not check the pattern.
    public var fault: String? {
        if let fault = BusName.fault(name, of: "replay") { return fault }
        guard rules.isEmpty != (queue == nil) else {
            return "a replay goes to rules or to a queue: one of them, not both"
        }
        if let queue, let fault = BusName.fault(queue, of: "queue") { return fault }
        if let since, let until, since >= until { return "since \(since) is not before \(until)" }
        return (0.001...10_000_000).fault(rate, "a rate is 0.001 to 10000000 events a second")
            ?? (0.001...1_000_000).fault(
                speed, "a speed is 0.001 to 1000000 times the events' own")
    }
}

/// The state of a replay.
public enum ReplayState: String, Codable, Hashable, Sendable {
    /// The replay looks for the first and last position of its window.
    case starting = "STARTING"
    /// The replay enqueues events.
    case running = "RUNNING"
    /// The replay is paused by an operator.
    case paused = "PAUSED"
    /// The replay has enqueued all events of its window.
    case completed = "COMPLETED"
    /// An operator cancelled the replay.
    case cancelled = "CANCELLED"
    /// The replay gave up because of an error.
    case failed = "FAILED"

    /// Whether the replay has ended.
    public var isEnd: Bool { self == .completed || self == .cancelled || self == .failed }
}

/// A replay and its progress.
public struct ReplayView: Codable, Hashable, Sendable {
    /// The replay's definition.
    public var replay: ReplayDefinition
    /// The state of the replay.
    public var state: ReplayState
    /// Why it failed or what it waits for, or nil.
    public var reason: String?
    /// The time at which it was started.
    public var startedAt: Timestamp
    /// The actor who started it.
    public var startedBy: String
    /// The time at which it ended, or nil.
    public var endedAt: Timestamp?
    /// The first position of its window, or 0 if it is unknown or the window is empty.
    public var first: UInt64 = 0
    /// The last position of its window, or 0 if it is unknown or the window is empty.
    public var last: UInt64 = 0
    /// The position up to which the window is done.
    public var position: UInt64 = 0
    /// The time of the last enqueued event, or nil.
    public var lastEventTime: Timestamp?
    /// The number of enqueued events. An event counts once for each of its queues.
    public var delivered: UInt64 = 0
    /// The recent progress, in positions per second.
    public var rate: Double = 0
    /// The estimated remaining time in seconds, or nil if it is unknown.
    public var secondsLeft: Double?

    /// Creates the view of a replay that has done nothing.
    public init(
        replay: ReplayDefinition, state: ReplayState, startedAt: Timestamp, startedBy: String
    ) {
        self.replay = replay
        self.state = state
        self.startedAt = startedAt
        self.startedBy = startedBy
    }
}

/// What a replay would do: the answer to a dry run.
public struct ReplayPlan: Codable, Hashable, Sendable {
    /// The number of matching events in the window.
    public var events: UInt64 = 0
    /// The position of the first matching event, or 0 if no event matches.
    public var first: UInt64 = 0
    /// The position of the last matching event, or 0 if no event matches.
    public var last: UInt64 = 0
    /// The number of events that each queue would get.
    public var queues: [String: UInt64] = [:]
    /// Whether the whole window was checked. If not, the check is running: ask again.
    public var isComplete = false
    /// The share of the window that was checked, from 0 to 1.
    public var progress = 0.0

    /// Creates the plan of a check that begins.
    public init() {}
}

/// The end of a replay.
public struct ReplayEnd: Codable, Hashable, Sendable {
    /// The final state: completed, cancelled or failed.
    public var state: ReplayState
    /// The position up to which the window is done.
    public var position: UInt64
    /// The number of enqueued events.
    public var delivered: UInt64
    /// Why it failed, or nil.
    public var reason: String?

    /// Creates the end of a replay.
    public init(state: ReplayState, position: UInt64, delivered: UInt64, reason: String?) {
        self.state = state
        self.position = position
        self.delivered = delivered
        self.reason = reason
    }
}
