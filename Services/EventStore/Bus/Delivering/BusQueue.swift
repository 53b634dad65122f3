import DequeModule
import EventSourcing
import WireProtocol

/// A queue at work: its entries in memory, the changes to write, and the waiting consumers.
///
/// A long queue keeps only a limited number of entries in memory. Later ones wait on disk until
/// there is room.
final class BusQueue {
    /// How many entries are kept in memory. Further ones wait on disk.
    let window: Int
    var row: QueueRow
    var state: QueueState
    let keys: GroupKeys
    var writes: QueueWrites
    /// The sequence up to which entries are in memory, or wait behind a dead letter.
    var loadedThrough: UInt64
    /// The number of entries after `loadedThrough`, which are on disk.
    var waitingOnDisk: Int
    /// Changes when entries that are being read from disk have become invalid.
    var epoch = 0
    var isRefilling = false
    /// Unblocked groups whose entries must be read from disk.
    var unblocked: Set<GroupKey> = []
    var receivers: Deque<Receiver> = []
    var meter = Meter()
    /// The number of deliveries since the process started.
    var delivered: UInt64 = 0
    /// The number of failures since the process started.
    private(set) var failed: UInt64 = 0

    /// The tokens of receives whose deliveries were in flight when the previous process ended.
    var earlierReceives: Set<EventID> = []

    init(_ row: QueueRow, count: Int, window: Int) {
        self.row = row
        self.window = window
        state = QueueState(settings: QueueSettings(row.definition), lastLease: row.lastLease)
        state.isPaused = row.isPaused
        keys = GroupKeys(row.definition.grouping)
        writes = QueueWrites(id: row.id)
        loadedThrough = count == 0 ? row.lastSequence : 0
        waitingOnDisk = count
    }

    var name: String { row.definition.name }

    /// The commit time of the queue's first possible event.
    var firstTime: Timestamp {
        if case .time(let time) = row.definition.start { time } else { .distantPast }
    }

    /// Whether the queue starts at or before the event.
    private func begins(before event: RecordedEvent) -> Bool {
        switch row.definition.start {
        case .end, .beginning: true
        case .position(let first): event.position >= first
        case .time(let first): event.time >= first
        }
    }

    /// Whether there is room in memory for entries that wait on disk.
    var isShort: Bool { waitingOnDisk > 0 && state.counts.total < max(window / 2, 1) }

    var needsRefill: Bool { isShort && !isRefilling }

    /// Appends the event to the queue, unless it lies before the queue's start.
    func route(_ event: RecordedEvent, rule: String, at time: Timestamp) {
        if begins(before: event) { append(event, rule: rule, replay: nil, at: time) }
    }

    /// Appends the event to the queue.
    func append(_ event: RecordedEvent, rule: String, replay: String?, at time: Timestamp) {
        row.lastSequence += 1
        let entry = QueueEntry(
            sequence: row.lastSequence, position: event.position, rule: rule, replay: replay,
            group: keys.key(of: event), enqueuedAt: time)
        writes.add(entry)
        if waitingOnDisk == 0, state.counts.total < window {
            loadedThrough = entry.sequence
            state.enqueue(entry)
        } else {
            waitingOnDisk += 1
        }
    }

    /// Records changes of entries for the next commit.
    ///
    /// - Returns: the entries that died.
    func record(
        _ changes: [QueueState.Change], at now: RunningTime
    ) -> [(QueueEntry, DeathCause)] {
        var dead: [(QueueEntry, DeathCause)] = []
        for change in changes {
            switch change {
            case .leased(let entry), .voided(let entry):
                writes.change(entry)
            case .retried(let entry):
                writes.change(entry)
                failed += 1
            case .acknowledged(let sequence):
                writes.remove(sequence)
                row.acknowledged += 1
                meter.count(at: now)
            case .died(let entry, let cause):
                writes.change(entry)
                failed += 1
                dead.append((entry, cause))
            case .dropped(let entry, _):
                writes.remove(entry.sequence)
                row.dropped += 1
                failed += 1
            }
        }
        if !changes.isEmpty { updateCounters() }
        return dead
    }

    /// Adds the queue's counters to the next commit.
    func updateCounters() {
        row.lastLease = state.lastTurn
        writes.counters = row.counters
    }

    /// Returns the changes since the last commit, and clears them.
    func takeWrites() -> QueueWrites {
        // One commit holds entries and the counters that number them, so they always agree.
        updateCounters()
        defer { writes = QueueWrites(id: row.id) }
        return writes
    }

    /// Adds the next entries from the store to memory.
    func refill(_ entries: [QueueEntry], isAll: Bool) {
        for entry in entries {
            state.enqueue(entry)
            if let lease = entry.lease { earlierReceives.insert(lease.token) }
        }
        waitingOnDisk -= entries.count
        if let last = entries.last { loadedThrough = last.sequence }
        if isAll, waitingOnDisk == 0 { loadedThrough = row.lastSequence }
    }

    /// Adds the entries of a group that was blocked to memory again.
    func unblock(_ group: GroupKey, _ stored: [QueueEntry]) {
        guard state.waitingBehind(group) != nil else { return }
        state.unblock(group)
        // Changes since the last commit override what is on disk.
        var entries: [UInt64: QueueEntry] = [:]
        for entry in stored + Array(writes.puts.values)
        where entry.group == group && entry.sequence <= loadedThrough {
            entries[entry.sequence] = entry
        }
        for entry in entries.values.sorted(by: { $0.sequence < $1.sequence })
        where !writes.removed.contains(entry.sequence) || writes.puts[entry.sequence] != nil {
            state.enqueue(entry)
        }
    }

    /// Returns a dead letter to its place as a new entry, or to the end if it never had a place.
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
            // If its group is blocked, this only counts it. It is read with its group.
            state.enqueue(entry)
        }
    }

    /// Removes all entries of the queue.
    func purge() {
        state.removeAll(through: row.lastSequence)
        writes.purge(through: row.lastSequence)
        loadedThrough = row.lastSequence
        waitingOnDisk = 0
        epoch += 1
    }
}

/// A consumer that waits for an entry.
struct Receiver {
    let deadline: RunningTime
    let continuation: CheckedContinuation<Void, Never>
}

/// Counts occurrences in each of the last sixty seconds.
struct Meter {
    private static let seconds = 60

    private var counts = [Int](repeating: 0, count: seconds)
    private var second: Int64 = 0

    mutating func count(at time: RunningTime) {
        advance(to: time)
        counts[Int(second % Int64(Self.seconds))] += 1
    }

    /// Returns the average per second.
    mutating func rate(at time: RunningTime) -> Double {
        advance(to: time)
        return Double(counts.reduce(0, +)) / Double(Self.seconds)
    }

    private mutating func advance(to time: RunningTime) {
        let now = time.microseconds / 1_000_000
        let passed = min(max(now - second, 0), Int64(Self.seconds))
        for step in 0..<passed { counts[Int((now - step) % Int64(Self.seconds))] = 0 }
        second = max(second, now)
    }
}

extension QueueSettings {
    init(_ definition: QueueDefinition) {
        let retry = definition.retry
        self.init(
            visibilityTimeout: .seconds(definition.visibilityTimeout),
            retry: Retry(
                maximumReceives: retry.maximumReceives, maximumAge: .seconds(retry.maximumAge),
                backoff: .seconds(retry.backoff), maximumBackoff: .seconds(retry.maximumBackoff)),
            waitsBehindDead: definition.afterDeath == .wait,
            hasDeadLetters: definition.hasDeadLetters)
    }
}
