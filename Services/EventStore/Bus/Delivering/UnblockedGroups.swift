/// The dead entries of a queue's groups, and the groups that no longer wait behind any, whose
/// entries must be read from disk.
struct UnblockedGroups {
    /// The groups to read, and those that are being read.
    private var waiting: Set<GroupKey> = []
    private var loading: Set<GroupKey> = []
    /// The entries that are dead but not dead letters in the log yet, with their groups. On disk,
    /// they look as if they were alive.
    private var dying: [UInt64: GroupKey] = [:]
    /// How many of them each group has.
    private var dyingOfGroup: [GroupKey: Int] = [:]
    /// How many dead letters each blocked group has in the log.
    private var letters: [GroupKey: Int] = [:]

    var isEmpty: Bool { waiting.isEmpty }

    func isDying(_ sequence: UInt64) -> Bool { dying[sequence] != nil }

    mutating func noteDeath(of entry: QueueEntry) {
        guard dying.updateValue(entry.group, forKey: entry.sequence) == nil else { return }
        dyingOfGroup[entry.group, default: 0] += 1
    }

    /// Records that the entry is a dead letter in the log. Returns whether it has died in this
    /// process.
    mutating func noteLetter(of sequence: UInt64) -> Bool {
        guard let group = dying.removeValue(forKey: sequence) else { return false }
        let left = dyingOfGroup[group, default: 0] - 1
        dyingOfGroup[group] = left > 0 ? left : nil
        return true
    }

    /// Records that a dead letter of the group was redriven or discarded. Returns whether the group
    /// may be unblocked: it has no other dead entry.
    mutating func closeLetter(of group: GroupKey) -> Bool {
        let left = letters[group, default: 0] - 1
        letters[group] = left > 0 ? left : nil
        return left <= 0 && dyingOfGroup[group] == nil
    }

    mutating func insert(_ group: GroupKey) { waiting.insert(group) }

    /// Unblocks all groups, whatever is dead. `blocked` are those that are blocked now.
    mutating func insertAll(_ blocked: some Sequence<GroupKey>) {
        letters = [:]
        waiting.formUnion(blocked)
    }

    /// Keeps the group on disk, because it has `count` further dead letters.
    mutating func block(_ group: GroupKey, letters count: Int) {
        letters[group, default: 0] += count
        waiting.remove(group)
        loading.remove(group)
    }

    /// Returns up to `maximum` groups to read now.
    mutating func takeNext(atMost maximum: Int) -> Set<GroupKey> {
        let groups = Set(waiting.prefix(maximum))
        waiting.subtract(groups)
        loading.formUnion(groups)
        return groups
    }

    /// Reads those groups again that are being read, because what is read is out of date.
    mutating func readAgain() {
        waiting.formUnion(loading)
        loading = []
    }

    /// Returns those of the groups that were read and are still unblocked.
    mutating func finish(_ groups: Set<GroupKey>) -> Set<GroupKey> {
        defer { loading.subtract(groups) }
        return groups.intersection(loading)
    }
}
