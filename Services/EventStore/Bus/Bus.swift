import CallServer
public import EventSourcing
public import EventStoreClient
import Foundation
public import Logging
public import ObjectStorage
public import Observability
import ServiceRuntime
public import WireProtocol
public import ZeroMQ

/// The event bus: sends each event of the log to durable queues by rules, and delivers from the
/// queues.
///
/// It follows the log in the same process with a short lag. Its state depends only on the log
/// and on the acknowledgements of consumers. Rules, queues and dead letters are events, too, and
/// take effect at their positions in the log.
///
/// Each step works in memory. Commits follow one after the other, each with all changes since the
/// last. A consumer gets an answer, such as a delivery or a confirmed acknowledgement, only when
/// the change is on disk.
public actor Bus: LoopActor {
    // The ports.
    let client: EventStoreClient
    let groups: CommittedGroups
    let appendOwn: OwnAppend
    let journal: BusJournal
    let store: BusStore
    let server: CallServer
    /// How many bytes of answers may wait for a caller that does not read them. All consumers
    /// without a key are one caller, and an answer may have ``answerBytes``.
    private static let unreadBytes = 64 << 20
    /// The thread that runs the bus.
    public nonisolated let loop: SocketLoop
    let logger: Logger
    let log: EventID
    let archiveRoots: StorageRoots
    private let lock: FolderLock
    /// The log's head when the bus was opened.
    let openedAt: UInt64
    var clock: BusClock

    // The owners of the state.
    /// What the log defines up to the router's position.
    var definitions = Definitions.initial
    var router: Router
    var deliveries: Deliveries
    var deadLetters = DeadLetters()
    var closings = DeadLetterClosings()
    /// The dead letters that the next events of the log close, read together.
    var prepared: [UInt64: DeadLetterRow] = [:]
    var replays = Replays()
    var dryRuns = DryRuns()
    var archives: [String: Archiver] = [:]
    var commits: Commits
    var waiters = Waiters()
    var cache = RecordCache()

    // The tasks that carry out actions.
    var folding: Task<Void, any Error>?
    var snapshots: Snapshots
    let commitSignal = Signal()
    let deadLetterSignal = Signal()
    let replaySignal = Signal()
    let fillSignal = Signal()
    let newArchivers = AsyncStream<Archiver>.makeStream()

    /// Appends the bus's own events. A client of the event store can't, because their streams are
    /// system streams.
    public typealias OwnAppend =
        @Sendable (_ events: [NewEvent], _ condition: AppendCondition) async throws -> Appended

    /// Opens the bus's journal and tables, waits for the event store, and binds `endpoint`.
    ///
    /// - Parameters:
    ///   - folder: the folder of the tables.
    ///   - journal: the folder of the journal.
    ///   - groups: the groups that the log commits.
    ///   - appendOwn: appends the bus's own events to the log that `client` reads.
    ///   - archiveRoots: the places below which archives may be.
    ///   - window: how many entries of a queue are kept in memory. Further ones wait on disk.
    ///   - journalBytes: the smallest size, in bytes, at which a new generation of the journal
    ///     starts with a snapshot.
    ///   - now: the system's clock.
    /// - Throws: `unavailable` if another process uses the folder, `damaged` if the
    ///   files are damaged or belong to another log.
    public init(
        endpoint: String, folder: String, journal journalFolder: String, client: EventStoreClient,
        groups: CommittedGroups, appendOwn: @escaping OwnAppend, on loop: SocketLoop,
        in context: Context,
        access: AccessControl = .none, archiveRoots: StorageRoots = .nowhere,
        window: Int = 20_000, journalBytes: Int = 64 << 20,
        now: @escaping @Sendable () -> Timestamp = { .now() }, logger: Logger
    ) async throws {
        lock = try FolderLock(folder)
        self.client = client
        self.groups = groups
        self.appendOwn = appendOwn
        self.loop = loop
        deliveries = Deliveries(window: window)
        snapshots = Snapshots(minimumBytes: journalBytes)
        self.logger = logger
        self.archiveRoots = archiveRoots
        let welcome = try await client.welcome()
        log = welcome.log
        openedAt = welcome.head
        let files = try await BusFiles.open(
            journal: journalFolder, cache: "\(folder)/bus.sqlite", of: log, head: openedAt,
            logger: logger)
        (journal, store) = (files.journal, files.store)
        router = Router(after: files.last.routed)
        commits = Commits(after: files.last)
        clock = BusClock(after: files.last.time, system: now)
        try require(
            files.last.routed <= welcome.head, .damaged,
            "the bus's journal in \(journalFolder) has routed \(files.last.routed) events, but "
                + "the log has only \(welcome.head): the log lost its end; restore a journal "
                + "and a log of the same backup, or remove the folders \(journalFolder) and "
                + "\(folder) to route the log again from its beginning")
        server = try await CallServer(
            service: BusCall.service, log: log, endpoint: endpoint, on: loop, in: context,
            access: access, unreadBytes: Self.unreadBytes, logger: logger)
        try await load()
        await answerCalls()
    }

    private func load() async throws {
        let rows = try await store.definitions()
        for row in rows.rules {
            // A pattern that another version accepted may be invalid now.
            do {
                try put(row)
            } catch {
                logger.error("rule \(row.rule.name) has no effect: \(error)")
            }
        }
        for row in rows.queues { deliveries.add(row, count: try await store.count(of: row.id)) }
        deadLetters = DeadLetters(counts: try await store.deadLetterCounts())
        try await blockDeadGroups(of: Set(deliveries.names))
        // Earlier versions stored invalid replays, too.
        for row in rows.replays where row.definition.fault == nil { replays.add(row) }
        for row in rows.archives {
            do {
                try add(row)
            } catch {
                logger.error("archive \(row.definition.name) has no effect: \(error)")
            }
        }
        definitions = Definitions.State(
            rules: router.definitions, queues: rows.queues.map(Definitions.State.Queue.init),
            archives: archives.values.map(\.row.definition), replays: replays.states)
        for row in rows.queues {
            // Entries in flight must be in memory, wherever they are in the queue.
            let last = try await store.lastLeased(of: row.id)
            while let load = deliveries[row.definition.name]?.nextLoad(upTo: last) {
                try await self.load(load)
            }
        }
    }

    /// Routes and delivers until cancelled, and then commits all changes.
    ///
    /// - Throws: `CancellationError` after it was cancelled, otherwise the failure.
    public func run() async throws {
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask(executorPreference: loop) { try await self.route() }
                group.addTask(executorPreference: loop) { try await self.commitChanges() }
                group.addTask(executorPreference: loop) { try await self.keepTime() }
                group.addTask(executorPreference: loop) { try await self.appendDeadLetters() }
                group.addTask(executorPreference: loop) { try await self.fillQueues() }
                group.addTask(executorPreference: loop) { try await self.runReplays() }
                group.addTask(executorPreference: loop) { try await self.runArchivers() }
                group.addTask(executorPreference: loop) { try await self.answer() }
                // A call that finds damage is answered with an error, and the process ends.
                group.addTask { [store] in
                    for await error in store.store.failures { throw error }
                }
                // A task that waits for another would keep the group from ending.
                defer { waiters.stop() }
                try await group.next()
            }
        } catch is CancellationError {
            // Cancelled: continue and commit. After any other error, the last commit stands.
        }
        // In a task of its own, because the cancelled task could not write.
        try await Task(executorPreference: loop) { try await self.close() }.value
        throw CancellationError()
    }

    /// Answers calls after the bus has routed what was in the log when it opened. So a caller finds
    /// what was created before a crash.
    private func answer() async throws {
        try await routed(through: openedAt)
        try await server.run()
    }

    private func close() async throws {
        try await commit()
        try await foldAll()
        // The next process discards an unfinished generation and begins it again.
        await snapshots.task?.value
        try store.close()
        try await journal.close()
        lock.release()
    }

    // MARK: Waiting

    /// Suspends the caller until an owner names its waiter again.
    ///
    /// - Throws: `CancellationError` if the bus stops.
    func suspend(_ register: (Waiter) -> Void) async throws {
        try await withCheckedThrowingContinuation { continuation in
            if let waiter = waiters.add(continuation) { register(waiter) }
        }
    }

    // MARK: Time

    /// How much later than its time limit an event may be redelivered.
    private static let tick: Duration = .milliseconds(50)

    private func keepTime() async throws {
        while true {
            // Due times pass without any call, so the clock must be checked.
            try await Task.sleep(for: Self.tick)
            clock.tick()
            let now = clock.now
            update { $0.tick(at: now) }
            if isCommitDue { commitSignal.send() }
        }
    }
}
