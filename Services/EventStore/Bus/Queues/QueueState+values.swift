import EventSourcing
import WireProtocol

extension QueueState {
    /// An entry handed to a consumer, who shows the lease to say what became of it.
    struct Delivery: Hashable, Sendable {
        let entry: QueueEntry
        let lease: UInt64
    }

    /// What must be written down.
    enum Change: Hashable, Sendable {
        /// The entry was delivered, or its lease was extended.
        case leased(QueueEntry)
        /// The entry's lease ended early, because its group waits for a dead entry.
        case voided(QueueEntry)
        /// The entry waits again: its receives, error and time are others.
        case retried(QueueEntry)
        case done(UInt64)
        /// The entry is a dead letter now.
        case died(QueueEntry, DeathCause)
        /// The entry is lost, as the queue has no dead letters.
        case dropped(QueueEntry, DeathCause)
    }

    /// How many entries there are of each kind.
    struct Counts: Hashable, Sendable {
        /// Can be delivered now.
        var ready = 0
        var inFlight = 0
        /// Wait for their back-off to pass.
        var delayed = 0
        /// Wait for an earlier entry of their group.
        var behind = 0
        /// Wait for a dead entry of their group to be redriven; they aren't in memory.
        var blocked = 0

        /// All that are in memory.
        var total: Int { ready + inFlight + delayed + behind }
    }

    /// The entries of a group that are in memory: there is at least one.
    struct Group {
        var waiting = EntryLine()
        var inFlight: UInt64?
        /// The number of its place in the line of those that are ready, if it has one; the lease
        /// of its next delivery.
        var turn: UInt64?

        /// The entry that all depends on: in flight, ready or delayed.
        var current: UInt64? { inFlight ?? waiting.first }

        /// Its first entry, which is in flight from now on; nil where the turn is not its own.
        mutating func deliver(_ turn: UInt64) -> UInt64? {
            guard self.turn == turn else { return nil }
            self.turn = nil
            inFlight = waiting.popFirst()
            return inFlight
        }
    }

    /// A group that waits until its dead are redriven.
    struct Blocked {
        var count = 0
        var last: UInt64 = 0

        mutating func add(_ sequence: UInt64) {
            count += 1
            last = max(last, sequence)
        }
    }

    /// A group's place in the line of those that are ready.
    struct Turn {
        let number: UInt64
        let group: GroupKey
    }

    /// The time at which an entry's lease or back-off ends.
    struct Timer: Comparable {
        let at: RunningTime
        let sequence: UInt64

        static func < (a: Timer, b: Timer) -> Bool { (a.at, a.sequence) < (b.at, b.sequence) }
    }

    /// An entry by its age.
    struct Age: Comparable {
        let enqueuedAt: Timestamp
        let sequence: UInt64

        static func < (a: Age, b: Age) -> Bool {
            (a.enqueuedAt, a.sequence) < (b.enqueuedAt, b.sequence)
        }
    }

    /// When `tick` must be called next, by each clock; nil for never.
    struct NextTick: Hashable, Sendable {
        var running: RunningTime?
        var log: Timestamp?

        func isDue(at now: BusTime) -> Bool {
            running.map { $0 <= now.running } ?? false || log.map { $0 <= now.log } ?? false
        }
    }
}
