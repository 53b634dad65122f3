/// The groups of a queue that no longer wait behind dead entries, and whose entries must be read
/// from disk.
struct UnblockedGroups {
    /// The groups to read, and those that are being read.
    private var waiting: Set<GroupKey> = []
    private var loading: Set<GroupKey> = []
    /// The entries that are dead but not dead letters in the log yet, with their groups. On disk,
    /// they look as if they were alive.
    private var dying: [UInt64: GroupKey] = [:]

    var isEmpty: Bool { waiting.isEmpty }

    func isDying(_ sequence: UInt64) -> Bool { dying[sequence] != nil }

    mutating func noteDeath(of entry: QueueEntry) { dying[entry.sequence] = entry.group }

    /// Records that the entry is a dead letter in the log. Returns whether it has died in this
    /// process.
    mutating func noteLetter(of sequence: UInt64) -> Bool {
        dying.removeValue(forKey: sequence) != nil
    }

    /// Returns whether the group may be unblocked: it has no other dead entry.
    func mayUnblock(_ group: GroupKey) -> Bool { !dying.values.contains(group) }

    mutating func insert(_ group: GroupKey) { waiting.insert(group) }

    /// Keeps the group on disk, because another entry of it is dead.
    mutating func block(_ group: GroupKey) {
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

    /// Returns those of the groups that were read and are still unblocked.
    mutating func finish(_ groups: Set<GroupKey>) -> Set<GroupKey> {
        defer { loading.subtract(groups) }
        return groups.intersection(loading)
    }
}
