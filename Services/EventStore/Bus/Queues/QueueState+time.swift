import EventSourcing
import HeapModule
import WireProtocol

extension QueueState {
    /// Applies the passed time. It ends expired leases and back-offs, and dead-letters entries
    /// that are too old, in the order of sequence.
    ///
    /// Only the first entry of a group can expire. Later entries are checked when they become the
    /// first.
    mutating func tick(now: BusTime, random: () -> Double) {
        updateSuspects(at: now.running)
        // Repeat, because after a dead entry the next of its group may be due.
        while nextTick().isDue(at: now) {
            runTimers(now, random)
            var aged = removeAged(now)
            while let sequence = aged.popMin() {
                guard let entry = entries[sequence] else { continue }
                _ = groups[entry.group]?.waiting.popFirst()
                deadLetter(entry, .maximumAge)
                updateHead(of: entry.group)
                if let head = head(of: entry.group), isTooOld(head, now) {
                    aged.insert(head.sequence)
                }
            }
        }
    }

    private mutating func runTimers(_ now: BusTime, _ random: () -> Double) {
        var lost: [String: Set<UInt64>] = [:]
        while let next = timers.min, next.at <= now.running {
            timers.removeMin()
            guard isCurrent(next), let entry = entries[next.sequence] else { continue }
            if let lease = entry.lease {
                lost[lease.consumer, default: []].insert(entry.sequence)
            } else if !isTooOld(entry, now) {
                entries[entry.sequence]?.notBefore = nil
                updateHead(of: entry.group)
            }
        }
        for (consumer, sequences) in lost.sorted(by: { $0.key < $1.key }) {
            let count = inFlight.noteLoss(of: consumer)
            for sequence in sequences.sorted() {
                guard let lease = entries[sequence]?.lease else { continue }
                putBack(
                    sequence, error: "not acknowledged within \(lease.visibility)",
                    notBefore: now.running + backoff(sequence, random),
                    lostOf: count)
            }
        }
    }

    /// Removes from `expiring` the current entries that are too old, and returns them.
    private mutating func removeAged(_ now: BusTime) -> Heap<UInt64> {
        var aged = Heap<UInt64>()
        while let next = expiring.min, expiryByAge(next) <= now.log {
            expiring.removeMin()
            if isCurrent(next) { aged.insert(next.sequence) }
        }
        return aged
    }

    /// The time at which the oldest entry in memory was enqueued.
    var oldest: Timestamp? {
        mutating get {
            while let first = ages.min, entries[first.sequence]?.enqueuedAt != first.at {
                ages.removeMin()
            }
            return ages.min?.at
        }
    }

    /// Returns when `tick` must be called next.
    mutating func nextTick() -> NextTick {
        while let next = timers.min, !isCurrent(next) { timers.removeMin() }
        while let next = expiring.min, !isCurrent(next) { expiring.removeMin() }
        return NextTick(running: timers.min?.at, log: expiring.min.map(expiryByAge))
    }

    func backoff(_ sequence: UInt64, _ random: () -> Double) -> Duration {
        settings.retry.delay(
            afterReceives: entries[sequence]?.receives ?? 0, random: random())
    }

    private func expiryByAge(_ age: Age) -> Timestamp {
        age.at + .seconds(settings.retry.maximumAge)
    }

    private func isTooOld(_ entry: QueueEntry, _ now: BusTime) -> Bool {
        !isPaused && expiryByAge(Age(entry)) <= now.log
    }

    /// Returns the timer of an entry that is the current one of its group.
    private func timer(of entry: QueueEntry) -> Timer? {
        (entry.lease?.expires ?? entry.notBefore).map { Timer(at: $0, sequence: entry.sequence) }
    }

    private func isCurrent(_ timer: Timer) -> Bool {
        guard let entry = entries[timer.sequence] else { return false }
        return groups[entry.group]?.current == timer.sequence && self.timer(of: entry) == timer
    }

    /// Whether the entry can expire now. An entry in flight can't, because its lease ends
    /// first.
    private func isCurrent(_ age: Age) -> Bool {
        guard !isPaused, let entry = entries[age.sequence], entry.lease == nil else { return false }
        return groups[entry.group]?.current == age.sequence && Age(entry) == age
    }

    mutating func recordAge(_ entry: QueueEntry) {
        ages.insert(Age(entry))
        if ages.count > 2 * entries.count + 64 { ages = Heap(entries.values.map(Age.init)) }
    }

    /// Sets the timers of an entry that has become current, or whose state has changed.
    mutating func arm(_ entry: QueueEntry) {
        if let timer = timer(of: entry) { timers.insert(timer) }
        if entry.lease == nil, !isPaused { expiring.insert(Age(entry)) }
        let limit = 2 * groups.count + 64
        if timers.count > limit || expiring.count > limit { rearm() }
    }

    mutating func rearm() {
        let current = groups.values.compactMap { $0.current.flatMap { entries[$0] } }
        timers = Heap(current.compactMap(timer))
        expiring = Heap(isPaused ? [] : current.filter { $0.lease == nil }.map(Age.init))
    }

    mutating func applySettings() {
        rearm()
        let spent = entries.values.filter { $0.receives >= settings.retry.maximumReceives }
        for entry in spent.sorted(by: { $0.sequence < $1.sequence }) { updateHead(of: entry.group) }
    }
}

extension QueueState.Age {
    init(_ entry: QueueEntry) {
        self.init(at: entry.enqueuedAt, sequence: entry.sequence)
    }
}
