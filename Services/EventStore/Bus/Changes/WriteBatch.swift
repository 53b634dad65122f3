import EventSourcing
import WireProtocol

/// The changes of one commit, or of several in a row.
struct WriteBatch: Hashable, Sendable {
    var queues: [Int64: QueueWrites] = [:]
    var rules: [String: RuleRow?] = [:]
    /// The new and the changed dead letters by id.
    var newDeadLetters: [UInt64: DeadLetterRow] = [:]
    var closedDeadLetters: Set<UInt64> = []
    var replays: [String: ReplayRow] = [:]
    var archives: [String: ArchiveRow?] = [:]

    var isEmpty: Bool { self == WriteBatch() }

    /// The number of entry rows that it writes or removes.
    var entryCount: Int { queues.values.reduce(0) { $0 + $1.puts.count + $1.removed.count } }

    /// Adds the later changes of `next`.
    mutating func append(_ next: WriteBatch) {
        for (id, writes) in next.queues {
            queues[id, default: QueueWrites(id: id)].append(writes)
        }
        rules.merge(next.rules) { $1 }
        newDeadLetters.merge(next.newDeadLetters) { $1 }
        for id in next.closedDeadLetters { newDeadLetters[id] = nil }
        closedDeadLetters.formUnion(next.closedDeadLetters)
        replays.merge(next.replays) { $1 }
        archives.merge(next.archives) { $1 }
    }
}

/// The changes of one queue.
///
/// An entry that came and went in between needs no write.
struct QueueWrites: Hashable, Sendable {
    let id: Int64
    /// Whether the queue was deleted before the other changes here.
    var isDeleted = false
    /// Nil if the definition has not changed.
    var definition: QueueDefinition?
    var counters: QueueCounters?
    /// The sequence up to which entries were purged.
    private(set) var purgedThrough: UInt64?
    private(set) var puts: [UInt64: QueueEntry] = [:]
    private(set) var removed: Set<UInt64> = []
    /// The sequences in `puts` that are new.
    private(set) var added: Set<UInt64> = []

    init(id: Int64) { self.id = id }

    /// The changes of a queue that was deleted.
    init(deleted id: Int64) {
        self.id = id
        isDeleted = true
    }

    var isEmpty: Bool { self == QueueWrites(id: id) }

    /// The written entry with this sequence, and whether it is new.
    func put(_ sequence: UInt64) -> (entry: QueueEntry, isNew: Bool)? {
        puts[sequence].map { ($0, added.contains(sequence)) }
    }

    /// Adds an entry that is new or was removed before.
    mutating func add(_ entry: QueueEntry) {
        puts[entry.sequence] = entry
        added.insert(entry.sequence)
    }

    mutating func change(_ entry: QueueEntry) { puts[entry.sequence] = entry }

    mutating func remove(_ sequence: UInt64) {
        puts[sequence] = nil
        if added.remove(sequence) == nil { removed.insert(sequence) }
    }

    mutating func purge(through sequence: UInt64) {
        purgedThrough = max(sequence, purgedThrough ?? 0)
        puts = [:]
        added = []
        removed = []
    }

    /// Adds the later changes of `next`.
    mutating func append(_ next: QueueWrites) {
        if next.isDeleted {
            self = QueueWrites(id: id)
            isDeleted = true
        }
        definition = next.definition ?? definition
        counters = next.counters ?? counters
        if let purged = next.purgedThrough { purge(through: purged) }
        for sequence in next.removed { remove(sequence) }
        for (sequence, entry) in next.puts {
            if next.added.contains(sequence) { add(entry) } else { change(entry) }
        }
    }
}

extension Set<UInt64> {
    /// The numbers as runs without gaps, in ascending order.
    var runs: [ClosedRange<UInt64>] {
        sorted().reduce(into: []) { runs, number in
            if let last = runs.last, last.upperBound + 1 == number {
                runs[runs.count - 1] = last.lowerBound...number
            } else {
                runs.append(number...number)
            }
        }
    }
}
