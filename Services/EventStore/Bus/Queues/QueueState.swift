import DequeModule
import EventSourcing
import HeapModule

/// A queue as far as it is in memory: what waits, what is in flight, and what comes next.
///
/// Within a group entries are delivered in the order of their sequence, one at a time, and none
/// overtakes another, whatever fails. Groups take turns. It is pure: it's told the time, and time
/// passes in `tick` alone, so that it is to be called when `nextTick` has come, before `receive`.
/// What must be written down is in `takeChanges`; the caller's disk holds all entries.
///
/// The line and the heaps let what has become stale lie until it comes first, or until it is most
/// of them: no operation on one entry looks at all of them.
struct QueueState: Sendable {
    /// May be changed at any time. What has reached a lowered limit dies at once by its receives,
    /// and in the next tick by its age; blocked groups stay so until they are unblocked.
    var settings: QueueSettings { didSet { applySettings() } }

    /// A paused queue delivers nothing, and nothing in it dies of its age.
    var isPaused = false { didSet { if isPaused != oldValue { rearm() } } }

    // What follows is for the extensions alone, which lie in files of their own.
    var entries: [UInt64: QueueEntry] = [:]
    var groups: [GroupKey: Group] = [:]
    /// The sequences of the entries in flight.
    var inFlight: Set<UInt64> = []
    var blocked: [GroupKey: Blocked] = [:]
    var blockedEntries = 0

    var line: Deque<Turn> = []
    var readyGroups = 0
    var lastTurn: UInt64

    /// When the current entry of each group expires, or may be delivered again.
    var timers = Heap<Timer>()
    /// The current entries that may die of their age.
    var mortal = Heap<Age>()
    /// All entries, the oldest first.
    var ages = Heap<Age>()
    var changes: [Change] = []

    /// New leases get numbers above `lastLease`. It must be at least the highest number that an
    /// earlier process gave in this queue, or an old receipt could be taken for a new one.
    init(settings: QueueSettings, lastLease: UInt64 = 0) {
        self.settings = settings
        lastTurn = lastLease
    }
}

extension QueueState {
    /// Adds an entry at its place by sequence; only counts it where its group is blocked. One
    /// that is in memory stays as it is. One that was received too often dies when its turn comes.
    /// One with a lease stays in flight.
    mutating func enqueue(_ entry: QueueEntry) {
        guard blocked[entry.group] == nil else {
            blocked[entry.group]?.add(entry.sequence)
            blockedEntries += 1
            void(entry)
            return
        }
        guard entries[entry.sequence] == nil else { return }
        var entry = entry
        if groups[entry.group]?.inFlight != nil {
            // Only one entry of a group can be in flight.
            void(entry)
            entry.lease = nil
        }
        entries[entry.sequence] = entry
        noteAge(entry)
        if let lease = entry.lease { return restore(entry, lease) }
        groups[entry.group, default: Group()].waiting.insert(entry.sequence)
        if groups[entry.group]?.current == entry.sequence { settle(entry.group) }
    }

    /// Restores an entry that was in flight when an earlier process ended.
    private mutating func restore(_ entry: QueueEntry, _ lease: Lease) {
        lastTurn = max(lastTurn, lease.number)
        if groups[entry.group]?.turn != nil {
            groups[entry.group]?.turn = nil
            readyGroups -= 1
        }
        groups[entry.group, default: Group()].inFlight = entry.sequence
        inFlight.insert(entry.sequence)
        arm(entry)
    }

    /// Hands out up to `max` entries, each of another group. A lease ends after `visibility`, or,
    /// if that is nil, after the queue's own timeout. `token` identifies the receive.
    mutating func receive(
        max: Int, visibility: Duration? = nil, consumer: String, token: EventID, now: BusTime
    ) -> [Delivery] {
        guard !isPaused else { return [] }
        let visibility = visibility ?? settings.visibilityTimeout
        var deliveries: [Delivery] = []
        deliveries.reserveCapacity(Swift.min(max, readyGroups))
        while deliveries.count < max, let turn = line.popFirst() {
            guard let sequence = groups[turn.group]?.deliver(turn.number),
                var entry = entries[sequence]
            else { continue }
            readyGroups -= 1
            entry.receives += 1
            entry.firstReceivedAt = entry.firstReceivedAt ?? now.log
            entry.lease = Lease(
                number: turn.number, consumer: consumer, token: token, visibility: visibility,
                expires: now.running + visibility)
            entries[sequence] = entry
            inFlight.insert(sequence)
            changes.append(.leased(entry))
            arm(entry)
            deliveries.append(Delivery(entry: entry, lease: turn.number))
        }
        return deliveries
    }

    /// The deliveries of the receive with this token that are still in flight.
    func deliveries(of token: EventID) -> [Delivery] {
        inFlight.compactMap { entries[$0] }.filter { $0.lease?.token == token }
            .sorted { $0.sequence < $1.sequence }
            .map { Delivery(entry: $0, lease: $0.lease?.number ?? 0) }
    }

    /// The entry is done. False where the lease is not the entry's current one: this and the
    /// next two then do nothing.
    mutating func acknowledge(_ sequence: UInt64, lease: UInt64) -> Bool {
        guard let entry = entries[sequence], entry.lease?.number == lease else { return false }
        inFlight.remove(sequence)
        entries[sequence] = nil
        groups[entry.group]?.inFlight = nil
        changes.append(.done(sequence))
        settle(entry.group)
        return true
    }

    /// The entry failed: it waits for `delay`, if nil for the back-off, or dies if this was its
    /// last try.
    mutating func reject(
        _ sequence: UInt64, lease: UInt64, error: String, delay: Duration? = nil,
        now: BusTime, random: () -> Double
    ) -> Bool {
        guard entries[sequence]?.lease?.number == lease else { return false }
        putBack(
            sequence, error: error, notBefore: now.running + (delay ?? backoff(sequence, random)))
        return true
    }

    /// The lease ends `visibility` from now, if nil the queue's own timeout.
    mutating func extend(
        _ sequence: UInt64, lease: UInt64, visibility: Duration? = nil, now: BusTime
    ) -> Bool {
        guard var entry = entries[sequence], entry.lease?.number == lease else { return false }
        let visibility = visibility ?? settings.visibilityTimeout
        entry.lease?.visibility = visibility
        entry.lease?.expires = now.running + visibility
        entries[sequence] = entry
        changes.append(.leased(entry))
        arm(entry)
        return true
    }

    /// What is in flight to the consumer is ready again, first in the line: its process has begun
    /// anew and knows nothing of it. What was its last try dies. Returns how many there were.
    mutating func release(consumer: String) -> Int {
        let released = inFlight.filter { entries[$0]?.lease?.consumer == consumer }.sorted(by: >)
        for sequence in released {
            putBack(
                sequence, error: "\(consumer) began anew before it acknowledged", notBefore: nil,
                inFront: true)
        }
        return released.count
    }

    /// Purges what is waiting or in flight up to `sequence`. Of a blocked group only the number
    /// is known: it's 0 then, or left if the group has had an entry since, so purge up to the
    /// highest sequence. The group stays blocked.
    mutating func removeAll(through sequence: UInt64) {
        var touched: Set<GroupKey> = []
        for purged in entries.keys.filter({ $0 <= sequence }).sorted() {
            guard let key = entries.removeValue(forKey: purged)?.group else { continue }
            if inFlight.remove(purged) != nil {
                groups[key]?.inFlight = nil
            } else {
                _ = groups[key]?.waiting.popFirst()
            }
            touched.insert(key)
        }
        for key in touched { settle(key) }
        for (key, group) in blocked where group.last <= sequence {
            blocked[key]?.count = 0
            blockedEntries -= group.count
        }
    }

    /// What has changed since the last call, in order.
    mutating func takeChanges() -> [Change] {
        defer { changes = [] }
        return changes
    }
}
