import EventSourcing
import WireProtocol

extension BusQueue {
    /// Returns the sequence of a dead letter's entry, or nil if only the tables can tell.
    func place(of letter: DeadLetter) -> UInt64? {
        let place = letter.sequence
        // Without a place, it was never in the queue.
        if place == 0 || unblocked.isDying(place) { return place }
        let known = state.entries[place] ?? writes.put(place)?.entry
        return known?.isEntry(of: letter) == true ? place : nil
    }

    /// Removes an entry that is in the log as a dead letter. Returns its group.
    ///
    /// - Parameter place: the entry's sequence; 0 if the queue does not have it.
    func deadLetter(_ letter: DeadLetter, at place: UInt64) -> GroupKey {
        guard letter.sequence > 0 else { return .none }
        let group = keys.key(ofLabel: letter.group, event: letter.event)
        if place > 0 {
            writes.remove(place)
            // If it died in an earlier process, this one has read it as if it were alive.
            let isNew = !unblocked.noteLetter(of: place)
            if isNew, place <= loadedThrough { state.remove(place, of: group) }
            if isNew, place > loadedThrough, waitingOnDisk > 0 { mustRecount = true }
        }
        block(group, letters: 1)
        return group
    }

    /// Blocks a group that has further dead letters, if the queue's groups wait behind them.
    func block(_ group: GroupKey, letters count: Int) {
        guard row.definition.afterDeath == .wait else { return }
        state.block(group)
        unblocked.block(group, letters: count)
    }

    /// Returns how many entries wait behind the group's dead letters, or 0.
    func waitingBehind(_ group: GroupKey) -> Int { state.waitingBehind(group) ?? 0 }

    /// Returns a dead letter to its place as a new entry, or to the end if it had no place.
    func restore(_ dead: DeadLetterRow, _ event: RecordedEvent, at time: Timestamp) {
        let letter = dead.letter
        guard letter.sequence > 0 else {
            return append(event, rule: letter.rule, replay: letter.replay, at: time)
        }
        let entry = QueueEntry(
            sequence: letter.sequence, position: letter.position, rule: letter.rule,
            replay: letter.replay, group: dead.group, enqueuedAt: time)
        writes.add(entry)
        if entry.sequence > loadedThrough {
            waitingOnDisk += 1
        } else {
            // If its group is still blocked, this only counts it. It is read with its group.
            state.enqueue(entry)
        }
    }

    /// Records that a dead letter of the group was redriven or discarded. The last one unblocks the
    /// group. Its entries are read from disk first.
    func closeLetter(of group: GroupKey) {
        guard unblocked.closeLetter(of: group), let waiting = state.waitingBehind(group) else {
            return
        }
        if waiting > 0 { unblocked.insert(group) } else { state.unblock(group) }
    }

    /// Unblocks all groups, because they no longer wait behind dead letters.
    func unblockAll() {
        let groups = state.blocked
        unblocked.insertAll(groups.filter { $1.count > 0 }.keys)
        for (group, blocked) in groups where blocked.count == 0 { state.unblock(group) }
    }
}

extension QueueEntry {
    /// Whether the dead letter is this entry's. After the queue was filled again from the log,
    /// because its files were lost, another event may have the entry's sequence.
    func isEntry(of letter: DeadLetter) -> Bool {
        position == letter.position && rule == letter.rule && replay == letter.replay
    }
}
