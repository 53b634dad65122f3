import DequeModule
import EventSourcing
import WireProtocol

extension QueueState {
    var counts: Counts {
        Counts(
            ready: readyGroups, inFlight: inFlight.count,
            delayed: groups.count - readyGroups - inFlight.count,
            behind: entries.count - groups.count,
            blocked: blocked.values.reduce(0) { $0 + $1.count })
    }

    /// Whether an entry is ready.
    var hasReady: Bool { !isPaused && readyGroups > 0 }

    /// Returns whether the consumer would get an entry.
    mutating func mayReceive(_ consumer: String) -> Bool { nextLine(for: consumer) != nil }

    /// Returns the line whose first entry the consumer gets next, or nil if it gets none. Removes
    /// the places before it that no group has any more.
    private mutating func nextLine(for consumer: String) -> ReadyLine? {
        let (held, most) = inFlight.count(of: consumer)
        guard held < most else { return nil }
        while let place = suspectLine.first, !isCurrent(place) { _ = suspectLine.popFirst() }
        if let place = suspectLine.first {
            if held < limit(of: place) { return .suspects }
            if suspects.areWaitedFor { return nil }
        }
        while let place = line.first, !isCurrent(place) { _ = line.popFirst() }
        guard let place = line.first, held < limit(of: place) else { return nil }
        return .others
    }

    private enum ReadyLine { case suspects, others }

    /// How many deliveries a consumer may have that gets the entry at the place.
    private func limit(of place: LinePlace) -> Int {
        groups[place.group]?.waiting.first.map { suspects[$0] } ?? .max
    }

    /// Puts the entry that the consumer gets next in flight. Returns it with its lease.
    mutating func takeNext(for consumer: String) -> (entry: QueueEntry, lease: UInt64)? {
        let taken: LinePlace?
        switch nextLine(for: consumer) {
        case .suspects:
            taken = suspectLine.popFirst()
            suspects.noteDelivery()
        case .others: taken = line.popFirst()
        case nil: return nil
        }
        guard let taken, let sequence = groups[taken.group]?.deliver(),
            let entry = entries[sequence]
        else { return nil }
        readyGroups -= 1
        inFlight.insert(sequence, of: consumer, limit: suspects[sequence])
        return (entry, taken.number)
    }

    /// Lets consumers pass over lost entries, or not, depending on the time.
    mutating func updateSuspects(at now: RunningTime) {
        suspects.update(
            isReady: suspectLine.contains(where: isCurrent), at: now,
            turn: .seconds(settings.visibilityTimeout))
    }

    private func isCurrent(_ place: LinePlace) -> Bool {
        groups[place.group]?.place == place.number
    }

    /// Returns how many entries wait behind the group's dead ones, or nil if the group is not
    /// blocked.
    func waitingBehind(_ key: GroupKey) -> Int? { blocked[key]?.count }

    /// Blocks the group until its dead entries are redriven or discarded. Its waiting entries leave
    /// memory and are only counted. An entry in flight stays with its consumer.
    mutating func block(_ key: GroupKey) {
        var waiting = blocked[key] ?? Blocked()
        if var group = groups.removeValue(forKey: key) {
            if group.place != nil { readyGroups -= 1 }
            while let sequence = group.waiting.popFirst() {
                entries[sequence] = nil
                suspects.remove(sequence)
                waiting.add(sequence)
            }
            if let sequence = group.inFlight { groups[key] = Group(inFlight: sequence) }
        }
        blocked[key] = waiting
    }

    /// Lets an entry wait that is no longer in flight. If its group is blocked, it is only counted.
    mutating func setWaiting(_ entry: QueueEntry) {
        groups[entry.group]?.inFlight = nil
        if blocked[entry.group] != nil {
            entries[entry.sequence] = nil
            suspects.remove(entry.sequence)
            blocked[entry.group]?.add(entry.sequence)
        } else {
            entries[entry.sequence] = entry
            groups[entry.group]?.waiting.insert(entry.sequence)
        }
    }

    /// Voids the entry's lease, if it has one.
    mutating func void(_ entry: QueueEntry) {
        guard entry.lease != nil else { return }
        var entry = entry
        entry.lease = nil
        changes.append(.voided(entry))
    }

    /// Unblocks the group and forgets the count. The caller enqueues the group's entries again.
    mutating func unblock(_ key: GroupKey) { blocked[key] = nil }

    /// Ends the delivery of an entry that was not acknowledged. The entry waits again or is dead.
    ///
    /// - Parameter count: how many deliveries the consumer has lost together with this one. Most of
    ///   several are not the cause, so the loss counts as a receive only if there was none before.
    mutating func putBack(
        _ sequence: UInt64, error: String, notBefore: RunningTime?, inFront: Bool = false,
        lostOf count: Int = 1
    ) {
        guard inFlight.remove(sequence), var entry = entries[sequence] else { return }
        entry.lease = nil
        if count > 1 {
            entry.receives = max(entry.receives - 1, 1)
            suspects.note(lossOf: sequence, of: count)
        }
        entry.error = error
        if entry.receives >= settings.retry.maximumReceives {
            groups[entry.group]?.inFlight = nil
            deadLetter(entry, .maximumReceives)
        } else {
            entry.notBefore = notBefore
            setWaiting(entry)
            changes.append(.retried(entry))
        }
        updateHead(of: entry.group, inFront: inFront)
    }

    /// Removes an entry that is not waiting in its group's line. It is dropped, or becomes a dead
    /// letter that blocks the group if the settings say so.
    mutating func deadLetter(_ entry: QueueEntry, _ cause: DeadLetterCause) {
        entries[entry.sequence] = nil
        suspects.remove(entry.sequence)
        guard settings.hasDeadLetters else {
            changes.append(.dropped(entry, cause))
            return
        }
        changes.append(.deadLettered(entry, cause))
        if settings.afterDeath == .wait { block(entry.group) }
    }

    /// Returns the first waiting entry of the group.
    func head(of key: GroupKey) -> QueueEntry? {
        groups[key]?.waiting.first.flatMap { entries[$0] }
    }

    /// Makes the head of the group ready or delayed, or dead-letters it. Call this whenever
    /// the group has another head, or the head has changed.
    mutating func updateHead(of key: GroupKey, inFront: Bool = false) {
        guard groups[key]?.inFlight == nil else { return }
        while let head = head(of: key) {
            guard head.receives >= settings.retry.maximumReceives else {
                setPlace(of: head, inFront: inFront)
                arm(head)
                return
            }
            _ = groups[key]?.waiting.popFirst()
            deadLetter(head, .maximumReceives)
        }
        if groups.removeValue(forKey: key)?.place != nil { readyGroups -= 1 }
    }

    /// Gives the group a place in a line if its head is ready, and takes it away if its head is
    /// delayed. A group keeps its place when its head changes, unless the new one belongs to the
    /// other line.
    private mutating func setPlace(of head: QueueEntry, inFront: Bool) {
        let isReady = head.notBefore == nil
        let isSuspect = suspects[head.sequence] < .max
        let hasPlace = groups[head.group]?.place != nil
        guard isReady || hasPlace,
            !isReady || !hasPlace || groups[head.group]?.isSuspect != isSuspect
        else { return }
        if hasPlace { readyGroups -= 1 }
        groups[head.group]?.place = nil
        guard isReady else { return }
        lastPlace += 1
        readyGroups += 1
        groups[head.group]?.place = lastPlace
        groups[head.group]?.isSuspect = isSuspect
        let place = LinePlace(number: lastPlace, group: head.group)
        switch (isSuspect, inFront) {
        case (true, true): suspectLine.prepend(place)
        case (true, false): suspectLine.append(place)
        case (false, true): line.prepend(place)
        case (false, false): line.append(place)
        }
        if line.count + suspectLine.count > 2 * readyGroups + 64 {
            line = line.filter(isCurrent)
            suspectLine = suspectLine.filter(isCurrent)
        }
    }
}
