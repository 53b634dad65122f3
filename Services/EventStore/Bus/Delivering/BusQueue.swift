import EventSourcing
import WireProtocol

/// A queue at work: its entries in memory, the changes to write, and the waiting consumers.
///
/// A long queue keeps a limited number of entries in memory. Later ones wait on disk for room.
///
/// It is a class: each look at a struct would copy a dozen references, before each commit.
final class BusQueue {
    let keys: GroupKeys
    /// How many entries are kept in memory. Further ones wait on disk.
    private let window: Int
    private(set) var row: QueueRow
    // Only the extensions in other files change the following properties, too.
    var state: QueueState
    var writes: QueueWrites
    /// The sequence up to which entries are in memory, or wait behind a dead letter.
    var loadedThrough: UInt64
    /// The number of entries after `loadedThrough`, which are on disk.
    var waitingOnDisk: Int
    /// Whether `waitingOnDisk` must be counted again.
    var mustRecount = false
    /// Incremented when a load in progress becomes invalid.
    private var epoch = 0
    private var isLoading = false
    var unblocked = UnblockedGroups()
    private var receivers = Receivers()
    private var meter = Meter()
    /// The number of deliveries since the process started.
    private(set) var delivered: UInt64 = 0
    /// The number of failures since the process started.
    private(set) var failed: UInt64 = 0
    /// The tokens of receives whose deliveries were in flight when the previous process ended.
    private var earlierReceives: Set<EventID> = []
    private var endedLeases = EndedLeases()

    /// Creates the queue of a stored row, with `count` entries on disk.
    init(_ row: QueueRow, count: Int, window: Int) {
        self.row = row
        self.window = window
        state = QueueState(settings: row.definition, lastLease: row.lastLease)
        state.isPaused = row.isPaused
        keys = GroupKeys(row.definition.grouping)
        writes = QueueWrites(id: row.id)
        loadedThrough = count == 0 ? row.lastSequence : 0
        waitingOnDisk = count
    }

    var id: Int64 { row.id }
    var name: String { row.definition.name }

    // MARK: Definition

    /// Replaces the definition. The grouping stays, because the queue's entries are grouped by it.
    func put(_ definition: QueueDefinition) {
        row.definition = definition
        if definition.afterDeath == .proceed { unblockAll() }
        state.settings = definition
        writes.definition = definition
    }

    func setPaused(_ isPaused: Bool) {
        row.isPaused = isPaused
        state.isPaused = isPaused
        updateCounters()
    }

    /// Removes all entries of the queue. If it is being filled, it gets no events up to `position`.
    func purge(through position: UInt64) {
        if let filled = filledThrough { setPhase(.filling(through: max(filled, position))) }
        state.removeAll(through: row.lastSequence)
        writes.purge(through: row.lastSequence)
        loadedThrough = row.lastSequence
        (waitingOnDisk, mustRecount) = (0, false)
        unblocked.readAgain()
        epoch += 1
    }

    // MARK: Start

    var hasStarted: Bool { row.phase != .unstarted }

    /// Whether the queue gets events as they are routed. One that is being filled gets them later.
    var isLive: Bool { row.phase == .live }

    /// The position up to which the queue is filled, or nil if it is not being filled.
    var filledThrough: UInt64? {
        guard case .filling(let position) = row.phase else { return nil }
        return position
    }

    /// Starts to fill the queue from its start, because a rule targets it since `position`. Does
    /// nothing if it has started.
    func start(at position: UInt64) {
        guard !hasStarted else { return }
        let phase: QueuePhase =
            switch row.definition.start {
            case .end: .live
            case .beginning, .time: .filling(through: 0)
            case .position(let first): .filling(through: min(max(first, 1) - 1, position))
            }
        setPhase(phase)
    }

    func setPhase(_ phase: QueuePhase) {
        row.phase = phase
        updateCounters()
    }

    // MARK: Entries

    /// Appends the event to the queue, unless it lies before the queue's start.
    func route(_ event: RecordedEvent, rule: String, at time: Timestamp) {
        if row.definition.start.isBefore(event) { append(event, rule: rule, replay: nil, at: time) }
    }

    /// Appends the event to the queue.
    func append(_ event: RecordedEvent, rule: String, replay: String?, at time: Timestamp) {
        row.lastSequence += 1
        let entry = QueueEntry(
            sequence: row.lastSequence, position: event.position, rule: rule, replay: replay,
            group: keys.key(of: event), enqueuedAt: time)
        writes.add(entry)
        if waitingOnDisk == 0, state.entries.count < window {
            loadedThrough = entry.sequence
            state.enqueue(entry)
        } else {
            waitingOnDisk += 1
        }
    }

    // MARK: Consumers

    /// Returns the deliveries of a receive that an earlier process handled, if they are still in
    /// flight. Its answer may not have arrived.
    func earlierDeliveries(of token: EventID) -> [QueueState.Delivery] {
        earlierReceives.remove(token) == nil ? [] : state.deliveries(of: token)
    }

    func receive(_ request: ReceiveRequest, at now: BusTime) -> [QueueState.Delivery] {
        state.receive(
            max: request.maximum, visibility: request.visibilityTimeout.map { .seconds($0) },
            consumer: request.consumer, token: request.token, now: now)
    }

    /// Returns entries whose deliveries were not sent to the front of the line.
    func unsend(_ deliveries: some BidirectionalCollection<QueueState.Delivery>) {
        for delivery in deliveries.reversed() {
            _ = state.takeBack(delivery.entry.sequence, lease: delivery.lease)
        }
    }

    func countDelivered(_ count: Int) { delivered += UInt64(count) }

    /// Applies the consumer's verdict, if the lease is the current one. Returns whether it took
    /// effect. A repeated verdict gets the first answer.
    func apply(
        _ acknowledgement: Acknowledgement, at now: BusTime, random: () -> Double
    ) -> Bool {
        let isCurrent = applyToState(acknowledgement, at: now, random: random)
        guard let end = EndedLeases.End(acknowledgement) else { return isCurrent }
        if isCurrent { endedLeases.insert(end) }
        return isCurrent || endedLeases.contains(end)
    }

    private func applyToState(
        _ acknowledgement: Acknowledgement, at now: BusTime, random: () -> Double
    ) -> Bool {
        let (sequence, lease) = (acknowledgement.sequence, acknowledgement.lease)
        switch acknowledgement.verdict {
        case .acknowledged: return state.acknowledge(sequence, lease: lease)
        case .failed(let error, let delay):
            return state.fail(
                sequence, lease: lease, error: error, delay: delay, now: now, random: random)
        case .extended(let duration):
            return state.extend(sequence, lease: lease, visibility: duration, now: now)
        case .returned: return state.takeBack(sequence, lease: lease)
        case .unreadable(let error):
            return state.giveUp(sequence, lease: lease, error: error)
        }
    }

    /// Returns the consumer's deliveries in flight to the queue. Returns their number.
    func release(consumer: String) -> Int { state.release(consumer: consumer) }

    func wait(_ waiter: Waiter, of consumer: String, until deadline: RunningTime) {
        receivers.add(waiter, of: consumer, until: deadline)
    }

    /// Removes and returns a waiting consumer if it can get an entry. That consumer wakes the next.
    func takeReceiver() -> Waiter? {
        state.hasReady ? receivers.popFirst { state.mayReceive($0) } : nil
    }

    /// Removes and returns the consumers that wait until `time` or less.
    func takeReceivers(until time: RunningTime) -> [Waiter] { receivers.removeAll(until: time) }

    // MARK: Time

    func isDue(at now: BusTime) -> Bool { state.nextTick().isDue(at: now) }

    /// Whether a lease or a back-off runs.
    var isTimed: Bool { state.nextTick().running != nil }

    func tick(at now: BusTime, random: () -> Double) { state.tick(now: now, random: random) }

    // MARK: Loading

    /// Whether there is room in memory for entries that wait on disk.
    var hasRoomForDiskEntries: Bool {
        waitingOnDisk > 0 && state.entries.count < max(window / 2, 1)
    }

    /// Whether entries must be read from disk, or counted there.
    var needsLoad: Bool {
        hasRoomForDiskEntries && !isLoading || !unblocked.isEmpty || mustRecount
    }

    /// The sequence after which the entries on disk must be counted, or nil.
    var recountAfter: UInt64? { mustRecount ? loadedThrough : nil }

    /// Corrects the number of entries on disk after `sequence`: `count` is what the last commit
    /// left there.
    func recount(_ count: Int, after sequence: UInt64) {
        guard mustRecount, sequence == loadedThrough else { return }
        // `count` may include what was removed since, so it is counted again after the next commit.
        guard !writes.removed.contains(where: { $0 > sequence }) else { return }
        waitingOnDisk = count + writes.added.count { $0 > sequence }
        mustRecount = false
    }

    /// The largest number of groups to read together.
    private static let groupsTogether = 500

    /// Returns the entries to read next, or nil: those of unblocked groups, or those that wait on
    /// disk if there is room.
    ///
    /// - Parameter sequence: also reads entries without room, up to this sequence.
    func nextLoad(upTo sequence: UInt64 = 0) -> EntryLoad? {
        func load(_ range: EntryLoad.Range) -> EntryLoad {
            EntryLoad(queue: name, id: id, epoch: epoch, range: range)
        }
        if !unblocked.isEmpty {
            let groups = unblocked.takeNext(atMost: Self.groupsTogether)
            return load(.groups(groups, through: loadedThrough))
        }
        guard !isLoading, hasRoomForDiskEntries || loadedThrough < sequence else { return nil }
        isLoading = true
        return load(.after(loadedThrough, limit: max(window / 2, 1)))
    }

    /// Adds the entries that were read to memory.
    func finish(_ load: EntryLoad, with entries: [QueueEntry]) {
        let isCurrent = load.epoch == epoch
        switch load.range {
        case .groups(let groups, _): if isCurrent { add(groups, entries) }
        case .after(_, let limit):
            isLoading = false
            if isCurrent { add(entries, isAll: entries.count < limit) }
        }
    }

    private func add(_ stored: [QueueEntry], isAll: Bool) {
        let (first, last) = (loadedThrough, stored.last?.sequence ?? loadedThrough)
        // A dead letter may have been redriven to a place among these entries since.
        let isRestored = { (sequence: UInt64) in sequence > first && sequence <= last }
        for entry in current(stored, with: { isRestored($0.sequence) }) {
            state.enqueue(entry)
            if let lease = entry.lease { earlierReceives.insert(lease.token) }
        }
        waitingOnDisk -= min(waitingOnDisk, stored.count + writes.added.count(where: isRestored))
        loadedThrough = last
        if isAll, waitingOnDisk == 0 { loadedThrough = row.lastSequence }
    }

    private func add(_ groups: Set<GroupKey>, _ stored: [QueueEntry]) {
        let blocked = unblocked.finish(groups).filter { state.waitingBehind($0) != nil }
        for group in blocked { state.unblock(group) }
        let entries = current(stored.filter { blocked.contains($0.group) }) {
            blocked.contains($0.group) && $0.sequence <= loadedThrough
        }
        for entry in entries { state.enqueue(entry) }
    }

    /// Returns the stored entries as they are after the changes since the last commit, with the
    /// further entries of those changes that `isMissing` selects, in order.
    private func current(
        _ stored: [QueueEntry], with isMissing: (QueueEntry) -> Bool
    ) -> [QueueEntry] {
        var entries: [UInt64: QueueEntry] = [:]
        for entry in stored where !writes.removed.contains(entry.sequence) {
            entries[entry.sequence] = entry
        }
        for entry in writes.puts.values where isMissing(entry) { entries[entry.sequence] = entry }
        return entries.values.filter { !unblocked.isDying($0.sequence) }
            .sorted { $0.sequence < $1.sequence }
    }

    // MARK: Committing

    var hasChanges: Bool { !writes.isEmpty }

    /// The number of new or changed entries since the last commit.
    var changedEntries: Int { writes.puts.count }

    /// Records the changes of entries for the next commit. Returns the dead entries.
    func recordChanges(at now: RunningTime) -> [(QueueEntry, DeadLetterCause)] {
        var dead: [(QueueEntry, DeadLetterCause)] = []
        let changes = state.takeChanges()
        for change in changes {
            switch change {
            case .leased(let entry), .voided(let entry): writes.change(entry)
            case .retried(let entry):
                writes.change(entry)
                failed += 1
            case .acknowledged(let sequence):
                writes.remove(sequence)
                row.acknowledged += 1
                meter.count(at: now)
            case .deadLettered(let entry, let cause):
                writes.change(entry)
                failed += 1
                unblocked.noteDeath(of: entry)
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
    private func updateCounters() {
        row.lastLease = state.lastPlace
        writes.counters = row.counters
    }

    /// Returns the changes since the last commit, and clears them.
    func takeWrites() -> QueueWrites {
        // One commit holds entries and the counters that number them, so they always agree.
        updateCounters()
        defer { writes = QueueWrites(id: row.id) }
        return writes
    }

    /// The time at which the oldest entry in memory was enqueued.
    var oldest: Timestamp? { state.oldest }

    /// The acknowledgements per second, on average over the last minute.
    func throughput(at now: RunningTime) -> Double { meter.rate(at: now) }
}
