/// Entries of a queue that must be read from disk into memory.
struct EntryLoad: Hashable, Sendable {
    enum Range: Hashable, Sendable {
        /// The entries after a sequence, in order.
        case after(UInt64, limit: Int)
        /// The entries of some groups up to a sequence, in order.
        case groups(Set<GroupKey>, through: UInt64)
    }

    let queue: String
    let id: Int64
    /// The queue's epoch when the load began. If it has changed since, the entries are invalid.
    let epoch: Int
    let range: Range
}
