/// The changes on their way to disk, and the callers that wait for them.
///
/// Each commit goes into the journal first. Several commits together are then folded onto the
/// tables. The type is pure: the caller writes what `begin` and `takeUnstored` return.
struct Commits {
    /// The longest time between two commits while a lease or a back-off runs. A crash makes a lease
    /// last longer by up to this time.
    private static let heartbeat: Duration = .seconds(1)
    /// Commits are folded onto the tables when they span this time or change this many rows.
    private static let gathering: Duration = .seconds(1)
    private static let gatheredRows = 20_000

    /// The position up to which the log was routed by the last commit, and that commit's time.
    private var routed: UInt64
    private var madeAt: RunningTime
    /// The changes since the last commit, except those of queues and replays.
    private var changes = WriteBatch()
    /// The changes of the commit in progress.
    private var underWay = WriteBatch()
    /// Whether a commit is in progress.
    private(set) var isUnderWay = false
    /// The changes up to `through` that are in the journal, but not in the tables yet.
    private var unstored: JournalRecord
    private var through: UInt64 = 0
    /// The changes that are being folded onto the tables.
    private var storing = WriteBatch()
    private var storedAt: RunningTime
    /// Callers that wait until the changes so far are committed.
    private var waiters: [Waiter] = []
    /// Callers that wait for the commit in progress.
    private var joined: [Waiter] = []
    /// Callers that wait until the tables contain the changes so far.
    private var readers: [Waiter] = []

    init(after last: JournalRecord) {
        routed = last.routed
        madeAt = last.time.running
        unstored = last
        storedAt = madeAt
    }

    // MARK: Changes

    /// Adds changes to the next commit.
    mutating func record(_ batch: WriteBatch) { changes.append(batch) }

    /// Whether there are changes to commit, besides those of queues and replays.
    var hasChanges: Bool { !changes.isEmpty }

    /// Whether callers wait for the next commit.
    var hasWaiters: Bool { !waiters.isEmpty || !readers.isEmpty }

    /// Adds a caller that waits for the next commit.
    mutating func wait(_ waiter: Waiter) { waiters.append(waiter) }

    /// Adds a caller that waits for the commit in progress.
    mutating func join(_ waiter: Waiter) { joined.append(waiter) }

    /// Adds a caller that waits until the tables have the changes so far.
    mutating func waitForTables(_ waiter: Waiter) { readers.append(waiter) }

    /// Whether there are changes to commit, or time to record, even if no caller waits.
    ///
    /// - Parameters:
    ///   - isTimed: whether a lease or a back-off runs.
    ///   - routed: the position up to which the log is routed.
    func isDue(
        at now: RunningTime, hasChanges: Bool, isTimed: Bool, routed: UInt64
    ) -> Bool {
        if hasChanges || self.hasChanges { return true }
        return now - madeAt >= Self.heartbeat && (routed != self.routed || isTimed)
    }

    /// Returns the dead letter if it is among the changes that the tables may lack, and whether
    /// they contain its redrive or discard.
    func deadLetter(_ id: UInt64) -> (row: DeadLetterRow?, isClosed: Bool) {
        // The latest changes come first.
        for batch in [changes, underWay, unstored.batch, storing] {
            if batch.closedDeadLetters.contains(id) { return (nil, true) }
            if let new = batch.newDeadLetters[id] { return (new, false) }
        }
        return (nil, false)
    }

    // MARK: Committing

    /// Begins a commit of everything recorded so far, and of what has changed in queues and
    /// replays. Returns its record, and the callers that wait for it.
    mutating func begin(
        routed: UInt64, at time: BusTime, queues: [Int64: QueueWrites],
        replays: [String: ReplayRow]
    ) -> (record: JournalRecord, waiters: [Waiter], readers: [Waiter]) {
        defer { (changes, waiters, readers) = (WriteBatch(), [], []) }
        isUnderWay = true
        underWay = changes
        (underWay.queues, underWay.replays) = (queues, replays)
        return (JournalRecord(routed: routed, time: time, batch: underWay), waiters, readers)
    }

    /// Records that the commit is in the journal, where it ends at `position`.
    mutating func finish(_ record: JournalRecord, through position: UInt64) {
        (routed, madeAt, through) = (record.routed, record.time.running, position)
        unstored.append(record)
        underWay = WriteBatch()
        isUnderWay = false
    }

    /// Removes and returns the callers that waited for the commit in progress.
    mutating func takeJoined() -> [Waiter] {
        defer { joined = [] }
        return joined
    }

    /// Records that a new generation of the journal is in use, which ends at `position`.
    mutating func move(to position: UInt64) { through = position }

    // MARK: Folding

    /// Whether enough commits have gathered to be folded onto the tables.
    var isFoldDue: Bool {
        madeAt - storedAt >= Self.gathering || unstored.batch.entryCount >= Self.gatheredRows
    }

    /// Returns the changes that the tables lack, and the position of the journal up to which they
    /// are. Marks them as being stored.
    mutating func takeUnstored() -> (record: JournalRecord, through: UInt64) {
        defer { unstored.batch = WriteBatch() }
        storing = unstored.batch
        storedAt = madeAt
        return (unstored, through)
    }
}
