import DequeModule
import EventSourcing
import HeapModule
import WireProtocol

/// The part of a queue that is in memory: what waits, what is in flight, and what comes next.
///
/// Within a group, entries are delivered in the order of their sequence, one at a time. None
/// overtakes another, whatever fails. Groups take turns.
///
/// The type is pure: callers pass the time. Time passes only in `tick`. Call it when `nextTick` is
/// due, before `receive`. The changes to commit are in `takeChanges`. The caller's disk holds all
/// entries.
///
/// The line and the heaps keep stale elements until they come first, or until most elements are
/// stale. So no operation on one entry looks at all of them.
struct QueueState: Sendable {
    /// The queue's definition, which can change at any time. Entries above a lowered receive limit
    /// are dead at once. Those above a lowered age limit are dead at the next tick.
    var settings: QueueDefinition { didSet { applySettings() } }

    /// Whether the queue is paused. A paused queue delivers nothing, and no entry expires.
    var isPaused = false { didSet { if isPaused != oldValue { rearm() } } }

    // Only the extensions in other files use the following properties.
    var entries: [UInt64: QueueEntry] = [:]
    var groups: [GroupKey: Group] = [:]
    var inFlight = EntriesInFlight()
    var blocked: [GroupKey: Blocked] = [:]

    var line: Deque<LinePlace> = []
    /// The places of the groups whose first entry was lost with others.
    var suspectLine: Deque<LinePlace> = []
    var readyGroups = 0
    var lastPlace: UInt64

    /// The times at which the current entry of each group expires, or may be redelivered.
    var timers = Heap<Timer>()
    /// The current entries that may become too old.
    var expiring = Heap<Age>()
    /// All entries, the oldest first.
    var ages = Heap<Age>()
    var changes: [Change] = []
    var suspects = Suspects()

    /// Creates an empty queue. New leases get numbers above `lastLease`. It must be at least the
    /// highest number that an earlier process gave in this queue. Otherwise an old lease could
    /// pass for a new one.
    init(settings: QueueDefinition, lastLease: UInt64 = 0) {
        self.settings = settings
        lastPlace = lastLease
    }
}

extension QueueState {
    /// Adds an entry at its place by sequence, or only counts it if its group is blocked.
    ///
    /// An entry that is in memory stays as it is. One that was received too often is dead when
    /// its turn comes. One with a lease stays in flight, even if its group is blocked.
    mutating func enqueue(_ entry: QueueEntry) {
        guard entries[entry.sequence] == nil else { return }
        var entry = entry
        if groups[entry.group]?.inFlight != nil {
            // Only one entry of a group can be in flight.
            void(entry)
            entry.lease = nil
        }
        if blocked[entry.group] != nil, entry.lease == nil {
            blocked[entry.group]?.add(entry.sequence)
            return
        }
        entries[entry.sequence] = entry
        recordAge(entry)
        if let lease = entry.lease { return restore(entry, lease) }
        groups[entry.group, default: Group()].waiting.insert(entry.sequence)
        if groups[entry.group]?.current == entry.sequence { updateHead(of: entry.group) }
    }

    /// Restores an entry that was in flight when an earlier process ended.
    private mutating func restore(_ entry: QueueEntry, _ lease: Lease) {
        lastPlace = max(lastPlace, lease.number)
        if groups[entry.group]?.place != nil {
            groups[entry.group]?.place = nil
            readyGroups -= 1
        }
        groups[entry.group, default: Group()].inFlight = entry.sequence
        inFlight.insert(entry.sequence, of: lease.consumer)
        arm(entry)
    }

    /// Leases up to `max` entries, each of another group. The consumer gets fewer if it has too
    /// many in flight for those that were lost with others.
    ///
    /// - Parameters:
    ///   - visibility: the visibility timeout; nil for the queue's own.
    ///   - token: identifies the receive.
    mutating func receive(
        max: Int, visibility: Duration? = nil, consumer: String, token: EventID, now: BusTime
    ) -> [Delivery] {
        guard !isPaused else { return [] }
        updateSuspects(at: now.running)
        let visibility = visibility ?? .seconds(settings.visibilityTimeout)
        var deliveries: [Delivery] = []
        deliveries.reserveCapacity(Swift.max(0, Swift.min(max, readyGroups)))
        while deliveries.count < max, let next = takeNext(for: consumer) {
            var entry = next.entry
            entry.receives += 1
            entry.firstReceivedAt = entry.firstReceivedAt ?? now.log
            entry.lease = Lease(
                number: next.lease, consumer: consumer, token: token, visibility: visibility,
                expires: now.running + visibility)
            entries[entry.sequence] = entry
            changes.append(.leased(entry))
            arm(entry)
            deliveries.append(Delivery(entry: entry, lease: next.lease))
        }
        return deliveries
    }

    /// Returns the deliveries of the receive with this token that are still in flight.
    func deliveries(of token: EventID) -> [Delivery] {
        inFlight.sequences.compactMap { entries[$0] }.filter { $0.lease?.token == token }
            .sorted { $0.sequence < $1.sequence }
            .map { Delivery(entry: $0, lease: $0.lease?.number ?? 0) }
    }

    /// Removes the entry. Returns false and does nothing if the lease is not the current one.
    mutating func acknowledge(_ sequence: UInt64, lease: UInt64) -> Bool {
        guard let entry = entries[sequence], entry.lease?.number == lease else { return false }
        inFlight.noteVerdict(on: sequence)
        inFlight.remove(sequence)
        suspects.remove(sequence)
        entries[sequence] = nil
        groups[entry.group]?.inFlight = nil
        changes.append(.acknowledged(sequence))
        updateHead(of: entry.group)
        return true
    }

    /// Fails the delivery: the entry waits for `delay`, or for the back-off if nil, or is dead if
    /// it reached the receive limit. Returns false and does nothing if the lease is not the current
    /// one.
    mutating func fail(
        _ sequence: UInt64, lease: UInt64, error: String, delay: Duration? = nil,
        now: BusTime, random: () -> Double
    ) -> Bool {
        guard entries[sequence]?.lease?.number == lease else { return false }
        inFlight.noteVerdict(on: sequence)
        suspects.remove(sequence)
        putBack(
            sequence, error: error, notBefore: now.running + (delay ?? backoff(sequence, random)))
        return true
    }

    /// Takes the delivery back to the front of the line, as if it had not been made. Returns false
    /// and does nothing if the lease is not the current one.
    mutating func takeBack(_ sequence: UInt64, lease: UInt64) -> Bool {
        guard var entry = entries[sequence], entry.lease?.number == lease else { return false }
        inFlight.noteVerdict(on: sequence)
        inFlight.remove(sequence)
        entry.lease = nil
        entry.receives -= 1
        if entry.receives == 0 { entry.firstReceivedAt = nil }
        setWaiting(entry)
        changes.append(.voided(entry))
        updateHead(of: entry.group, inFront: true)
        return true
    }

    /// Makes the entry dead at once, because its consumer can't read the event. Returns false and
    /// does nothing if the lease is not the current one.
    mutating func giveUp(_ sequence: UInt64, lease: UInt64, error: String) -> Bool {
        guard var entry = entries[sequence], entry.lease?.number == lease else { return false }
        inFlight.noteVerdict(on: sequence)
        inFlight.remove(sequence)
        entry.lease = nil
        entry.error = error
        groups[entry.group]?.inFlight = nil
        deadLetter(entry, .unreadable)
        updateHead(of: entry.group)
        return true
    }

    /// Extends the lease to `visibility` from now, or to the queue's own timeout if nil. Returns
    /// false and does nothing if the lease is not the current one.
    mutating func extend(
        _ sequence: UInt64, lease: UInt64, visibility: Duration? = nil, now: BusTime
    ) -> Bool {
        guard var entry = entries[sequence], entry.lease?.number == lease else { return false }
        let visibility = visibility ?? .seconds(settings.visibilityTimeout)
        inFlight.noteVerdict(on: sequence)
        entry.lease?.visibility = visibility
        entry.lease?.expires = now.running + visibility
        entries[sequence] = entry
        changes.append(.leased(entry))
        arm(entry)
        return true
    }

    /// Returns the consumer's entries in flight to the front of the line, because it has restarted
    /// and does not know them. An entry at its receive limit is dead. Returns their number.
    mutating func release(consumer: String) -> Int {
        let released = inFlight.sequences(of: consumer).sorted(by: >)
        let count = inFlight.noteLoss(of: consumer)
        for sequence in released {
            putBack(
                sequence, error: "released by \(consumer) before acknowledgement", notBefore: nil,
                inFront: true, lostOf: count)
        }
        return released.count
    }

    /// Removes the waiting entries and those in flight up to `sequence`.
    ///
    /// Only the number of a blocked group's entries is known. It becomes 0, or stays if the group
    /// got an entry after `sequence`. So purge up to the highest sequence. The group stays blocked.
    mutating func removeAll(through sequence: UInt64) {
        var touched: Set<GroupKey> = []
        for purged in entries.keys.filter({ $0 <= sequence }).sorted() {
            guard let key = entries.removeValue(forKey: purged)?.group else { continue }
            suspects.remove(purged)
            if inFlight.remove(purged) {
                groups[key]?.inFlight = nil
            } else {
                _ = groups[key]?.waiting.popFirst()
            }
            touched.insert(key)
        }
        for key in touched { updateHead(of: key) }
        for (key, group) in blocked where group.last <= sequence {
            blocked[key]?.count = 0
        }
    }

    /// Removes an entry that is a dead letter already, because an earlier process ended before it
    /// recorded more than that. If the group is blocked, the entry counts no longer.
    mutating func remove(_ sequence: UInt64, of key: GroupKey) {
        guard entries.removeValue(forKey: sequence) != nil else {
            if let count = blocked[key]?.count { blocked[key]?.count = max(count - 1, 0) }
            return
        }
        suspects.remove(sequence)
        if inFlight.remove(sequence) {
            groups[key]?.inFlight = nil
        } else {
            groups[key]?.waiting.remove(sequence)
        }
        updateHead(of: key)
    }

    /// Returns the changes since the last call, in order, and clears them.
    mutating func takeChanges() -> [Change] {
        defer { changes = [] }
        return changes
    }
}
