import DequeModule
import EventSourcing
import WireProtocol

/// A queue at work: the part of what it holds that is in memory, what is yet to be written, and the
/// consumers that wait.
///
/// A long queue is in memory up to a limit only; behind it entries go to disk, and come back as
/// those before them are done.
final class BusQueue {
    /// How many entries are in memory before further ones wait on disk.
    let window: Int
    var row: QueueRow
    var state: QueueState
    let keys: GroupKeys
    var writes: QueueWrites
    /// Entries up to this sequence are in memory, or wait behind a dead one.
    var loadedThrough: UInt64
    /// How many entries behind it there are.
    var waitingOnDisk: Int
    /// Changes when all that was read from the store before is of no use.
    var epoch = 0
    var isRefilling = false
    /// Groups that are no longer blocked and whose entries are to be read.
    var unblocked: Set<GroupKey> = []
    var receivers: Deque<Receiver> = []
    var meter = Meter()
    /// Deliveries since the process began, and those of them that failed.
    var delivered: UInt64 = 0
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

    /// Events committed before this time are not the queue's.
    var firstTime: Timestamp {
        if case .time(let time) = row.definition.start { time } else { .distantPast }
    }

    /// Whether the event is behind the queue's start.
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

    /// Puts the event at the queue's end, unless it lies before the queue's start.
    func route(_ event: RecordedEvent, rule: String, at time: Timestamp) {
        if begins(before: event) { append(event, rule: rule, replay: nil, at: time) }
    }

    /// Puts the event at the queue's end.
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

    /// Notes what has become of entries.
    ///
    /// - Returns: those that are dead.
    func settle(
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
            case .done(let sequence):
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
        if !changes.isEmpty { noteFigures() }
        return dead
    }

    /// Adds the queue's figures to the next commit.
    func noteFigures() {
        row.lastLease = state.lastTurn
        writes.figures = row.figures
    }

    /// Returns the changes since the last commit, and clears them.
    func takeWrites() -> QueueWrites {
        // One commit holds entries and the figures that number them, so they always agree.
        noteFigures()
        defer { writes = QueueWrites(id: row.id) }
        return writes
    }

    /// Takes in what the store has of the next entries.
    func refill(_ entries: [QueueEntry], isAll: Bool) {
        for entry in entries {
            state.enqueue(entry)
            if let lease = entry.lease { earlierReceives.insert(lease.token) }
        }
        waitingOnDisk -= entries.count
        if let last = entries.last { loadedThrough = last.sequence }
        if isAll, waitingOnDisk == 0 { loadedThrough = row.lastSequence }
    }

    /// Takes in again what the store has of a group that was blocked.
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

    /// Puts a dead letter back where it was, as if it were new; at the end if it was nowhere.
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
            // Where the group waits it is counted, and comes with it.
            state.enqueue(entry)
        }
    }

    /// Removes all that the queue holds.
    func purge() {
        state.removeAll(through: row.lastSequence)
        writes.purge(through: row.lastSequence)
        loadedThrough = row.lastSequence
        waitingOnDisk = 0
        epoch += 1
    }
}

/// A consumer that waits for something to receive.
struct Receiver {
    let deadline: RunningTime
    let continuation: CheckedContinuation<Void, Never>
}

/// Counts what happened in each of the last sixty seconds.
struct Meter {
    private static let seconds = 60

    private var counts = [Int](repeating: 0, count: seconds)
    private var second: Int64 = 0

    mutating func count(at time: RunningTime) {
        advance(to: time)
        counts[Int(second % Int64(Self.seconds))] += 1
    }

    /// In a second, on average.
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
