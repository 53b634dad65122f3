import EventSourcing
import WireProtocol

/// A rule as the tables store it.
struct RuleRow: Hashable, Sendable {
    var rule: RuleDefinition
    var changedAt: Timestamp
    var changedBy: String
}

/// A queue as the tables store it, without its entries.
@dynamicMemberLookup
struct QueueRow: Sendable {
    var id: Int64
    var definition: QueueDefinition
    var counters = QueueCounters()

    subscript<Value>(dynamicMember path: WritableKeyPath<QueueCounters, Value>) -> Value {
        get { counters[keyPath: path] }
        set { counters[keyPath: path] = newValue }
    }
}

/// The counters of a queue that change while it works.
struct QueueCounters: Hashable, Sendable {
    var isPaused = false
    var phase = QueuePhase.unstarted
    var lastSequence: UInt64 = 0
    var acknowledged: UInt64 = 0
    var dropped: UInt64 = 0
    /// The highest number of a lease so far.
    var lastLease: UInt64 = 0
}

/// How far a queue has been filled with events from before its start.
enum QueuePhase: Hashable, Sendable {
    /// No rule targets it yet.
    case unstarted
    /// The queue has the matching events up to this position. Later ones are added in order.
    case filling(through: UInt64)
    /// The queue gets events as they are routed.
    case live

    /// The phase as the tables store it.
    var column: Int64? {
        switch self {
        case .unstarted: -1
        case .filling(let position): Int64(clamping: position)
        case .live: nil
        }
    }

    init(column: Int64?) {
        guard let column else {
            self = .live
            return
        }
        self = column < 0 ? .unstarted : .filling(through: UInt64(column))
    }
}

/// A dead letter as the tables store it.
struct DeadLetterRow: Hashable, Sendable {
    /// The position of its event in the log.
    var id: UInt64
    var letter: DeadLetter
    var group: GroupKey
    var diedAt: Timestamp
}

/// A replay as the tables store it.
struct ReplayRow: Codable, Hashable, Sendable {
    var definition: ReplayDefinition
    var state: ReplayState
    var reason: String?
    var startedAt: Timestamp
    var startedBy: String
    var endedAt: Timestamp?
    /// The first position of its window, or 0 while that is unknown.
    var first: UInt64
    /// The last position of its window.
    var last: UInt64
    /// The position up to which the window is done.
    var position: UInt64
    var lastEventTime: Timestamp?
    var delivered: UInt64
}

/// An archive as the tables store it.
struct ArchiveRow: Codable, Hashable, Sendable {
    var definition: ArchiveDefinition
    var createdAt: Timestamp
    var createdBy: String
}
