import DequeModule
import EventSourcing
import WireProtocol

extension QueueState {
    var counts: Counts {
        Counts(
            ready: readyGroups, inFlight: inFlight.count,
            delayed: groups.count - readyGroups - inFlight.count,
            behind: entries.count - groups.count, blocked: blockedEntries)
    }

    /// Whether `receive` has something to hand out.
    var hasReady: Bool { !isPaused && readyGroups > 0 }

    /// How many entries wait for a dead one of the group; nil where it isn't blocked.
    func waitingBehind(_ key: GroupKey) -> Int? { blocked[key]?.count }

    /// Lets the group wait for its dead: its entries leave memory and are only counted from now
    /// on. What was in flight counts too, and its lease is void.
    mutating func block(_ key: GroupKey) {
        var waiting = blocked[key] ?? Blocked()
        blockedEntries -= waiting.count
        if var group = groups.removeValue(forKey: key) {
            if group.turn != nil { readyGroups -= 1 }
            if let sequence = group.inFlight {
                inFlight.remove(sequence)
                if let entry = entries[sequence] { void(entry) }
                group.waiting.insert(sequence)
            }
            while let sequence = group.waiting.popFirst() {
                entries[sequence] = nil
                waiting.add(sequence)
            }
        }
        blocked[key] = waiting
        blockedEntries += waiting.count
    }

    /// Voids the entry's lease, if it has one.
    mutating func void(_ entry: QueueEntry) {
        guard entry.lease != nil else { return }
        var entry = entry
        entry.lease = nil
        changes.append(.voided(entry))
    }

    /// Forgets what was counted: the caller enqueues the group's entries again.
    mutating func unblock(_ key: GroupKey) {
        blockedEntries -= blocked.removeValue(forKey: key)?.count ?? 0
    }

    /// Ends the delivery of an entry that was not acknowledged: it waits again, or dies.
    mutating func putBack(
        _ sequence: UInt64, error: String, notBefore: RunningTime?, inFront: Bool = false
    ) {
        guard inFlight.remove(sequence) != nil, var entry = entries[sequence] else { return }
        entry.lease = nil
        groups[entry.group]?.inFlight = nil
        entry.error = error
        if entry.receives >= settings.retry.maximumReceives {
            bury(entry, .maximumReceives)
        } else {
            entry.notBefore = notBefore
            entries[sequence] = entry
            groups[entry.group]?.waiting.insert(sequence)
            changes.append(.retried(entry))
        }
        settle(entry.group, inFront: inFront)
    }

    /// Takes an entry that doesn't wait in its group's line out of the queue, for good or as a
    /// dead letter, behind which the group waits if it should.
    mutating func bury(_ entry: QueueEntry, _ cause: DeathCause) {
        entries[entry.sequence] = nil
        guard settings.hasDeadLetters else {
            changes.append(.dropped(entry, cause))
            return
        }
        changes.append(.died(entry, cause))
        if settings.waitsBehindDead { block(entry.group) }
    }

    /// The first entry that waits in the group.
    func head(of key: GroupKey) -> QueueEntry? {
        groups[key]?.waiting.first.flatMap { entries[$0] }
    }

    /// Lets the head of a group be ready, wait or die, as it should. To be called whenever the
    /// group has another head, or the head another state.
    mutating func settle(_ key: GroupKey, inFront: Bool = false) {
        guard groups[key]?.inFlight == nil else { return }
        while let head = head(of: key) {
            guard head.receives >= settings.retry.maximumReceives else {
                setTurn(of: head, inFront: inFront)
                arm(head)
                return
            }
            _ = groups[key]?.waiting.popFirst()
            bury(head, .maximumReceives)
        }
        if groups.removeValue(forKey: key)?.turn != nil { readyGroups -= 1 }
    }

    /// A group whose head is ready has a place in the line, and keeps it when the head changes;
    /// one whose head is delayed has none.
    private mutating func setTurn(of head: QueueEntry, inFront: Bool) {
        let isReady = head.notBefore == nil
        guard isReady != (groups[head.group]?.turn != nil) else { return }
        guard isReady else {
            groups[head.group]?.turn = nil
            readyGroups -= 1
            return
        }
        lastTurn += 1
        readyGroups += 1
        groups[head.group]?.turn = lastTurn
        let turn = Turn(number: lastTurn, group: head.group)
        if inFront { line.prepend(turn) } else { line.append(turn) }
        if line.count > 2 * readyGroups + 64 {
            line = line.filter { groups[$0.group]?.turn == $0.number }
        }
    }
}
