import EventSourcing
import HeapModule
import WireProtocol

extension QueueState {
    /// Rejects what was not acknowledged in time, readies what has waited long enough, and buries
    /// what is too old, in the order of sequence. Only the first of a group can be too old: what
    /// is behind it dies after it, not before.
    mutating func tick(now: Timestamp, random: () -> Double) {
        // Again, as the death of one may bring up one that has waited long enough.
        while let next = timers.min, next.at <= now {
            var aged = Heap<UInt64>()
            runTimers(now, random, &aged)
            while let sequence = aged.popMin() {
                guard let entry = entries[sequence] else { continue }
                _ = groups[entry.group]?.waiting.popFirst()
                bury(entry, .maximumAge)
                settle(entry.group)
                if let head = head(of: entry.group), isTooOld(head, now) {
                    aged.insert(head.sequence)
                }
            }
        }
    }

    private mutating func runTimers(
        _ now: Timestamp, _ random: () -> Double, _ aged: inout Heap<UInt64>
    ) {
        while let next = timers.min, next.at <= now {
            timers.removeMin()
            guard isCurrent(next), let entry = entries[next.sequence] else { continue }
            if let lease = leases[entry.sequence] {
                putBack(
                    entry.sequence, error: "not acknowledged within \(lease.visibility)",
                    notBefore: now + backoff(entry.sequence, random))
            } else if isTooOld(entry, now) {
                aged.insert(entry.sequence)
            } else {
                entries[entry.sequence]?.notBefore = nil
                settle(entry.group)
            }
        }
    }

    /// When the oldest entry in memory was enqueued.
    var oldest: Timestamp? {
        mutating get {
            while let first = ages.min, entries[first.sequence]?.enqueuedAt != first.at {
                ages.removeMin()
            }
            return ages.min?.at
        }
    }

    /// When `tick` has something to do; nil for never.
    mutating func nextTick() -> Timestamp? {
        while let next = timers.min, !isCurrent(next) { timers.removeMin() }
        return timers.min?.at
    }

    func backoff(_ sequence: UInt64, _ random: () -> Double) -> Duration {
        settings.retry.delay(
            afterReceives: entries[sequence]?.receives ?? 0, random: random())
    }

    private func diesAt(_ entry: QueueEntry) -> Timestamp? {
        isPaused ? nil : entry.enqueuedAt + settings.retry.maximumAge
    }

    private func isTooOld(_ entry: QueueEntry, _ now: Timestamp) -> Bool {
        diesAt(entry).map { $0 <= now } ?? false
    }

    /// When something is to be done about an entry that is the current one of its group.
    private func moment(_ entry: QueueEntry) -> Moment? {
        let at: Timestamp?
        if let lease = leases[entry.sequence] {
            at = lease.expires
        } else if let notBefore = entry.notBefore, let diesAt = diesAt(entry) {
            at = min(notBefore, diesAt)
        } else {
            at = entry.notBefore ?? diesAt(entry)
        }
        return at.map { Moment(at: $0, sequence: entry.sequence) }
    }

    private func isCurrent(_ timer: Moment) -> Bool {
        guard let entry = entries[timer.sequence] else { return false }
        return groups[entry.group]?.current == timer.sequence && moment(entry) == timer
    }

    mutating func noteAge(_ entry: QueueEntry) {
        ages.insert(Moment(at: entry.enqueuedAt, sequence: entry.sequence))
        if ages.count > 2 * entries.count + 64 {
            ages = Heap(entries.values.map { Moment(at: $0.enqueuedAt, sequence: $0.sequence) })
        }
    }

    /// Sets the timer of an entry that has become current, or whose moment is another now.
    mutating func arm(_ entry: QueueEntry) {
        guard let moment = moment(entry) else { return }
        timers.insert(moment)
        if timers.count > 2 * groups.count + 64 { rearm() }
    }

    mutating func rearm() {
        timers = Heap(
            groups.values.compactMap { group in
                group.current.flatMap { entries[$0] }.flatMap { moment($0) }
            })
    }

    mutating func applySettings() {
        rearm()
        let spent = entries.values.filter { $0.receives >= settings.retry.maximumReceives }
        for entry in spent.sorted(by: { $0.sequence < $1.sequence }) { settle(entry.group) }
    }
}
