import EventSourcing
import WireProtocol

/// The changes on their way to disk. Each commit goes into the journal first. Several commits
/// together are then folded onto the tables.
struct Commits {
    /// The position up to which the log was routed by the last commit, and that commit's time.
    private(set) var routed: UInt64
    private(set) var madeAt: RunningTime
    /// Callers that wait until the changes so far are committed.
    var waiters: [CheckedContinuation<Void, any Error>] = []
    /// Callers that wait until the tables contain the changes so far.
    var readers: [CheckedContinuation<Void, any Error>] = []
    /// The changes of the commit in progress.
    var underWay = WriteBatch()
    /// The changes up to `through` that are in the journal, but not in the tables yet.
    var unstored: JournalRecord
    private(set) var through: UInt64 = 0
    /// The changes that are being folded onto the tables.
    var storing = WriteBatch()
    var storingTask: Task<Void, any Error>?
    private(set) var storedAt: RunningTime
    /// The journal's next generation, and the position of the current one up to which it is
    /// complete.
    var snapshot: (generation: JournalGeneration, position: UInt64)?
    var snapshotTask: Task<Void, Never>?

    init(after last: JournalRecord) {
        routed = last.routed
        madeAt = last.time.running
        unstored = last
        storedAt = madeAt
    }

    /// Records that the commit, which ends at `position`, is in the journal.
    mutating func note(_ record: JournalRecord, through position: UInt64) {
        (routed, madeAt, through) = (record.routed, record.time.running, position)
        unstored.append(record)
        underWay = WriteBatch()
    }

    /// Records that a new generation of the journal is in use, which ends at `position`.
    mutating func move(to position: UInt64) { through = position }

    /// Returns the changes that the tables lack, and marks them as being stored.
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
    /// The longest time between two commits while a lease or a back-off runs. A crash makes a lease
    /// last longer by up to this time.
    private static let heartbeat: Duration = .seconds(1)
    /// Commits are folded onto the tables when they span this time or change this many rows.
    private static let gathering: Duration = .seconds(1)
    private static let gatheredRows = 20_000

    func commitChanges() async throws {
        for await _ in commitSignal.stream {
            // Unstructured, so that it is not cancelled when the process stops: cancelling would
            // interrupt a transaction, and the last commit would lack its changes.
            try await Task(executorPreference: loop) { try await self.commit() }.value
        }
        throw CancellationError()
    }

    /// Whether there are changes to commit, or time to record, even if no caller waits.
    func isCommitDue(at now: RunningTime) -> Bool {
        if !changes.isEmpty || queues.values.contains(where: { !$0.writes.isEmpty }) { return true }
        guard now - commits.madeAt >= Self.heartbeat else { return false }
        return routed != commits.routed
            || queues.values.contains { $0.state.nextTick().running != nil }
    }

    /// Writes the changes into the journal. Then loads more entries of queues that have room in
    /// memory.
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

    /// Folds commits onto the tables: at once if a caller needs to read them, otherwise in batches.
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

    /// Returns when the tables have everything in the journal.
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

    /// Returns when all changes so far are on disk.
    func committed() async throws {
        try await withCheckedThrowingContinuation {
            (continuation: CheckedContinuation<Void, any Error>) in
            guard !isStopped else { return continuation.resume(throwing: CancellationError()) }
            commits.waiters.append(continuation)
            commitSignal.continuation.yield()
        }
    }

    /// Returns when the tables have all changes so far and the queues have filled their memory.
    func stored() async throws {
        try await withCheckedThrowingContinuation {
            (continuation: CheckedContinuation<Void, any Error>) in
            guard !isStopped else { return continuation.resume(throwing: CancellationError()) }
            commits.readers.append(continuation)
            commitSignal.continuation.yield()
        }
    }

    /// The changes that are not in the tables yet, or not known to be. The latest come first.
    var unstored: [WriteBatch] {
        [changes, commits.underWay, commits.unstored.batch, commits.storing]
    }

    // MARK: Reading back

    /// Loads more entries of the queue if there is room in memory. Changes since the last commit
    /// follow after the next one.
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

    /// Loads the next entries that wait on disk.
    func readOn(_ queue: BusQueue) async throws {
        let (epoch, limit) = (queue.epoch, max(window / 2, 1))
        queue.isRefilling = true
        defer { queue.isRefilling = false }
        let entries = try await store.entries(
            of: queue.row.id, after: queue.loadedThrough, limit: limit)
        if epoch == queue.epoch { queue.refill(entries, isAll: entries.count < limit) }
    }
}
