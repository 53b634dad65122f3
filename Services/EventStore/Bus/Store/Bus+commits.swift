import EventSourcing
import WireProtocol

/// What is on its way to the disk: first into the journal, commit by commit, and then, several
/// commits together, onto the tables.
struct Commits {
    /// The position up to which the log was routed by the last commit, and when that was.
    private(set) var routed: UInt64
    private(set) var madeAt: RunningTime
    /// Who waits for the commit of what has changed so far.
    var waiters: [CheckedContinuation<Void, any Error>] = []
    /// Who waits until the tables have what has changed so far.
    var readers: [CheckedContinuation<Void, any Error>] = []
    /// What the commit under way writes.
    var underWay = WriteBatch()
    /// What the journal has up to `through`, and the tables have not.
    var unstored: JournalRecord
    private(set) var through: UInt64 = 0
    /// What is being folded onto the tables.
    var storing = WriteBatch()
    var storingTask: Task<Void, any Error>?
    private(set) var storedAt: RunningTime
    /// The journal's next generation, and up to which position of this one it has all.
    var snapshot: (generation: JournalGeneration, position: UInt64)?
    var snapshotTask: Task<Void, Never>?

    init(after last: JournalRecord) {
        routed = last.routed
        madeAt = last.time.running
        unstored = last
        storedAt = madeAt
    }

    /// Notes that the journal has the commit, which ends at `position`.
    mutating func note(_ record: JournalRecord, through position: UInt64) {
        (routed, madeAt, through) = (record.routed, record.time.running, position)
        unstored.append(record)
        underWay = WriteBatch()
    }

    /// Notes that the journal ends at `position` now, for it is another generation.
    mutating func move(to position: UInt64) { through = position }

    /// Takes what the tables have not.
    mutating func takeUnstored() -> JournalRecord {
        defer { unstored.batch = WriteBatch() }
        storing = unstored.batch
        storedAt = madeAt
        return unstored
    }

    mutating func failWaiters(_ error: any Error) {
        for waiter in waiters + readers { waiter.resume(throwing: error) }
        (waiters, readers) = ([], [])
    }
}

extension Bus {
    /// So much later at the most, what has happened is noted while time counts: it is how much
    /// longer a lease may last if the process is killed.
    private static let heartbeat: Duration = .seconds(1)
    /// So long, or until they are so many rows, commits are gathered for the tables.
    private static let gathering: Duration = .seconds(1)
    private static let gatheredRows = 20_000

    func commitChanges() async throws {
        for await _ in commitSignal.stream {
            // Not part of the task that is cancelled when the process stops: a transaction would be
            // broken off, and what it was to write be missing from the last one.
            try await Task(executorPreference: loop) { try await self.commit() }.value
        }
        throw CancellationError()
    }

    /// Whether there is something to write, though nobody waits for it.
    func isCommitDue(at now: RunningTime) -> Bool {
        if !changes.isEmpty || queues.values.contains(where: { !$0.writes.isEmpty }) { return true }
        guard now - commits.madeAt >= Self.heartbeat else { return false }
        return routed != commits.routed
            || queues.values.contains { $0.state.nextTick().running != nil }
    }

    /// Writes what has changed into the journal; then queues take in what waits for room.
    func commit() async throws {
        let (waiters, readers) = (commits.waiters, commits.readers)
        (commits.waiters, commits.readers) = ([], [])
        let record = takeChanges()
        do {
            commits.note(record, through: try await journal.append(record))
            for waiter in waiters { waiter.resume() }
        } catch {
            for waiter in waiters + readers { waiter.resume(throwing: error) }
            throw error
        }
        do {
            try await takeUpSnapshot()
            try await store(isNeeded: !readers.isEmpty)
            for queue in queues.values { try await refill(queue) }
            for reader in readers { reader.resume() }
        } catch {
            for reader in readers { reader.resume(throwing: error) }
            throw error
        }
    }

    private func takeChanges() -> JournalRecord {
        var batch = changes
        changes = WriteBatch()
        for queue in queues.values where !queue.writes.isEmpty {
            batch.queues[queue.row.id] = queue.takeWrites()
        }
        commits.underWay = batch
        return JournalRecord(routed: routed, time: clock.now, batch: batch)
    }

    /// Folds commits onto the tables: at once if somebody is to read them, else by and by.
    private func store(isNeeded: Bool) async throws {
        if isNeeded || queues.values.contains(where: { $0.needsRefill || !$0.unblocked.isEmpty }) {
            return try await flush()
        }
        let isDue =
            commits.madeAt - commits.storedAt >= Self.gathering
            || commits.unstored.batch.entryCount >= Self.gatheredRows
        guard isDue else { return }
        try await beginStoring()
        try await beginSnapshot()
    }

    /// Returns when the tables have all that the journal has.
    func flush() async throws {
        try await beginStoring()
        try await commits.storingTask?.value
    }

    private func beginStoring() async throws {
        try await commits.storingTask?.value
        let (record, through, id) = (commits.takeUnstored(), commits.through, await journal.id)
        commits.storingTask = Task(executorPreference: loop) { [store] in
            try await store.commit(record, of: id, through: through)
        }
    }

    /// Returns when all that has changed so far is on disk.
    func committed() async throws {
        try await withCheckedThrowingContinuation {
            (continuation: CheckedContinuation<Void, any Error>) in
            guard !isStopped else { return continuation.resume(throwing: CancellationError()) }
            commits.waiters.append(continuation)
            commitSignal.continuation.yield()
        }
    }

    /// Returns when the tables have all that has changed so far, and memory what there is room for.
    func stored() async throws {
        try await withCheckedThrowingContinuation {
            (continuation: CheckedContinuation<Void, any Error>) in
            guard !isStopped else { return continuation.resume(throwing: CancellationError()) }
            commits.readers.append(continuation)
            commitSignal.continuation.yield()
        }
    }

    /// What has changed and is not in the tables yet, or not known to be, the latest first.
    var unstored: [WriteBatch] {
        [changes, commits.underWay, commits.unstored.batch, commits.storing]
    }

    // MARK: Reading back

    /// Reads on where there is room; what has changed since the last commit comes after the next.
    func refill(_ queue: BusQueue) async throws {
        let epoch = queue.epoch
        for group in queue.unblocked {
            queue.unblocked.remove(group)
            let entries = try await store.entries(
                of: queue.row.id, in: group, through: queue.loadedThrough)
            if epoch == queue.epoch { queue.unblock(group, entries) }
        }
        if queue.needsRefill { try await readOn(queue) }
        tick(queue, at: clock.now)
    }

    /// Takes in the next entries that wait on disk.
    func readOn(_ queue: BusQueue) async throws {
        let (epoch, limit) = (queue.epoch, max(window / 2, 1))
        queue.isRefilling = true
        defer { queue.isRefilling = false }
        let entries = try await store.entries(
            of: queue.row.id, after: queue.loadedThrough, limit: limit)
        if epoch == queue.epoch { queue.refill(entries, isAll: entries.count < limit) }
    }
}
