import EventSourcing
import WireProtocol

extension QueueState {
    /// An entry handed to a consumer. The consumer presents the lease to acknowledge, fail or
    /// extend it.
    struct Delivery: Hashable, Sendable {
        let entry: QueueEntry
        let lease: UInt64
    }

    /// A change that must be committed.
    enum Change: Hashable, Sendable {
        /// The entry was delivered, or its lease was extended.
        case leased(QueueEntry)
        /// The entry's lease ended early: its consumer returned it, or its delivery was not sent.
        case voided(QueueEntry)
        /// The entry waits again, with a new error and time.
        case retried(QueueEntry)
        /// The entry with this sequence was acknowledged.
        case acknowledged(UInt64)
        /// The entry is dead and becomes a dead letter.
        case deadLettered(QueueEntry, DeadLetterCause)
        /// The entry is dead and is dropped, because the queue keeps no dead letters.
        case dropped(QueueEntry, DeadLetterCause)
    }

    /// The number of entries of each kind.
    struct Counts: Hashable, Sendable {
        /// Entries that can be delivered now.
        var ready = 0
        var inFlight = 0
        /// Entries that wait for their back-off to end.
        var delayed = 0
        /// Entries that wait for an earlier entry of their group.
        var behind = 0
        /// Entries of blocked groups. They are not in memory.
        var blocked = 0

        /// The number of entries in memory.
        var total: Int { ready + inFlight + delayed + behind }
    }

    /// The entries of a group that are in memory, at least one.
    struct Group {
        var waiting = EntryLine()
        var inFlight: UInt64?
        /// The number of its place in a line of ready groups, if it has one. It becomes the lease
        /// of its next delivery.
        var place: UInt64?
        /// Whether that is the line of those whose first entry was lost with others.
        var isSuspect = false

        /// The entry that the group depends on: in flight, ready or delayed.
        var current: UInt64? { inFlight ?? waiting.first }

        /// Puts the first entry in flight and returns it.
        mutating func deliver() -> UInt64? {
            place = nil
            inFlight = waiting.popFirst()
            return inFlight
        }
    }

    /// A group that waits until its dead entries are redriven or discarded.
    struct Blocked {
        var count = 0
        var last: UInt64 = 0

        mutating func add(_ sequence: UInt64) {
            count += 1
            last = max(last, sequence)
        }
    }

    /// A place in the line of ready groups.
    struct LinePlace {
        let number: UInt64
        let group: GroupKey
    }

    /// A time of an entry. Those of the same time are in the order of sequence.
    struct EntryTime<Time: Comparable & Sendable>: Comparable {
        let at: Time
        let sequence: UInt64

        static func < (a: Self, b: Self) -> Bool { (a.at, a.sequence) < (b.at, b.sequence) }
    }

    /// When an entry's lease or back-off ends.
    typealias Timer = EntryTime<RunningTime>
    /// When an entry was enqueued.
    typealias Age = EntryTime<Timestamp>

    /// When `tick` must be called next, by each clock. Nil for never.
    struct NextTick: Hashable, Sendable {
        var running: RunningTime?
        var log: Timestamp?

        func isDue(at now: BusTime) -> Bool {
            running.map { $0 <= now.running } ?? false || log.map { $0 <= now.log } ?? false
        }
    }
}
