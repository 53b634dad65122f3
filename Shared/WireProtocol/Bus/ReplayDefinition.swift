public import EventSourcing

/// A replay: events of the past, put into queues once more, in their order.
public struct ReplayDefinition: Codable, Hashable, Sendable {
    /// 1 to 64 letters, digits and `. - _`; what it delivers is marked with it.
    public var name: String
    /// The archive to take events from; nil for the log.
    public var archive: String?
    /// Events committed at this time or later; nil for no bound.
    public var since: Timestamp?
    /// Events committed before this time; nil for all before the replay was started.
    public var until: Timestamp?
    /// An event pattern, JSON, that events must match beside what the rules ask; nil for none.
    public var pattern: String?
    /// The rules whose targets get what they match. Empty if there is a queue.
    public var rules: [String]
    /// The queue that gets all; made if it is not there. Nil if there are rules.
    public var queue: String?
    /// At most so many events a second; nil for as fast as it goes.
    public var rate: Double?
    /// So many times as fast as the events came; nil for as fast as it goes.
    public var speed: Double?

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

    /// What is wrong with it beside its pattern, in one line; nil if nothing is.
    public var fault: String? {
        if let fault = BusName.fault(name, of: "replay") { return fault }
        guard rules.isEmpty != (queue == nil) else {
            return "a replay goes to rules or to a queue: one of them, not both"
        }
        if let queue, let fault = BusName.fault(queue, of: "queue") { return fault }
        if let since, let until, since >= until { return "since \(since) is not before \(until)" }
        if let rate, !(0.001...10_000_000).contains(rate) {
            return "a rate is 0.001 to 10000000 events a second, not \(rate)"
        }
        if let speed, !(0.001...1_000_000).contains(speed) {
            return "a speed is 0.001 to 1000000 times that of the events, not \(speed)"
        }
        return nil
    }
}

/// What a replay is at.
public enum ReplayState: String, Codable, Hashable, Sendable {
    /// It looks for where its window begins and ends.
    case starting = "STARTING"
    case running = "RUNNING"
    case paused = "PAUSED"
    case completed = "COMPLETED"
    case cancelled = "CANCELLED"
    case failed = "FAILED"

    /// Whether it is over.
    public var isEnd: Bool { self == .completed || self == .cancelled || self == .failed }
}

/// A replay, and how far it is.
public struct ReplayView: Codable, Hashable, Sendable {
    public var replay: ReplayDefinition
    public var state: ReplayState
    /// Why it failed, if it did, or what it waits for.
    public var reason: String?
    public var startedAt: Timestamp
    public var startedBy: String
    public var endedAt: Timestamp?
    /// The positions of its window; 0 as long as they are not known, or if it is empty.
    public var first: UInt64
    public var last: UInt64
    /// The window is done up to this position.
    public var position: UInt64
    /// The time of the last event that was put into a queue.
    public var lastEventTime: Timestamp?
    /// How many events were put into queues; one that went to several counts for each.
    public var delivered: UInt64
    /// Positions that were done in a second, lately.
    public var rate: Double
    /// How long the rest takes at that rate; nil when it can't be said.
    public var secondsLeft: Double?

    public init(
        replay: ReplayDefinition, state: ReplayState, reason: String?, startedAt: Timestamp,
        startedBy: String, endedAt: Timestamp?, first: UInt64, last: UInt64, position: UInt64,
        lastEventTime: Timestamp?, delivered: UInt64, rate: Double, secondsLeft: Double?
    ) {
        self.replay = replay
        self.state = state
        self.reason = reason
        self.startedAt = startedAt
        self.startedBy = startedBy
        self.endedAt = endedAt
        self.first = first
        self.last = last
        self.position = position
        self.lastEventTime = lastEventTime
        self.delivered = delivered
        self.rate = rate
        self.secondsLeft = secondsLeft
    }
}

/// What a replay would do: the answer to a dry run.
public struct ReplayPlan: Codable, Hashable, Sendable {
    /// How many events of the window match.
    public var events: UInt64
    /// The positions of the first and the last of them; 0 if there is none.
    public var first: UInt64
    public var last: UInt64
    /// How many would be put into each queue.
    public var queues: [String: UInt64]
    /// Whether the whole window has been looked at; if not, it is being: ask again.
    public var isComplete: Bool
    /// The share of the window that has been looked at, 0 to 1.
    public var progress: Double

    public init(
        events: UInt64 = 0, first: UInt64 = 0, last: UInt64 = 0, queues: [String: UInt64] = [:],
        isComplete: Bool = false, progress: Double = 0
    ) {
        self.events = events
        self.first = first
        self.last = last
        self.queues = queues
        self.isComplete = isComplete
        self.progress = progress
    }
}

/// How a replay ended.
public struct ReplayEnd: Codable, Hashable, Sendable {
    public var state: ReplayState
    /// The window was done up to this position.
    public var position: UInt64
    public var delivered: UInt64
    public var reason: String?

    public init(state: ReplayState, position: UInt64, delivered: UInt64, reason: String?) {
        self.state = state
        self.position = position
        self.delivered = delivered
        self.reason = reason
    }
}
