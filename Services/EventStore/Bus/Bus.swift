import CallServer
import DequeModule
public import EventSourcing
public import EventStoreClient
import Foundation
public import Logging
public import Observability
import ServiceRuntime
public import WireProtocol
public import ZeroMQ

/// The event bus: sends each event of the log to durable queues by rules, and delivers from the
/// queues.
///
/// It follows the log as any subscriber does, with a short lag. Its state depends only on the log
/// and on the acknowledgements of consumers. Rules, queues and dead letters are events, too, and
/// take effect at their positions in the log.
///
/// Each turn works in memory. Commits follow one after the other, each with all changes since the
/// last. A consumer gets an answer, such as a delivery or a confirmed acknowledgement, only when
/// the change is on disk.
public actor Bus {
    let journal: BusJournal
    let store: BusStore
    let window: Int
    var journalBytes: Int
    var clock: BusClock
    let client: EventStoreClient
    let logger: Logger
    let server: CallServer
    let loop: SocketLoop
    let log: EventID
    private let lock: FolderLock
    /// The log's head when the bus was opened.
    let openedAt: UInt64

    /// What the log defines up to `routed`.
    var definitions = Definitions.initial
    var rules = RuleBook()
    var queues: [String: BusQueue] = [:]
    var cache = RecordCache()
    /// The position up to which events are routed in memory.
    var routed: UInt64
    var commits: Commits
    /// The changes since the last commit, except those of queues' entries.
    var changes = WriteBatch()
    var nextQueueID: Int64 = 1
    /// The number of dead letters by queue name. The queue may no longer exist.
    var deadLetterCounts: [String: Int] = [:]
    /// Deaths that are not in the log yet.
    var deaths: [Death] = []
    var replays: [String: Replay] = [:]
    var plans: [ReplayDefinition: Plan] = [:]
    var archives: [String: Archive] = [:]
    var answers: [ConsumerKey: ReceiveAnswer] = [:]

    /// The callers that wait until the log is routed up to a position.
    var routeWaiters: [(position: UInt64, continuation: CheckedContinuation<Void, any Error>)] = []
    /// Whether the router must wait while a queue is filled up to its position.
    var isRouterHeld = false
    var heldRouter: CheckedContinuation<Void, Never>?
    var isStopped = false

    let commitSignal = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    let deathSignal = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    let replaySignal = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    let fillSignal = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    let archiveSignal = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))

    /// The thread that runs the bus.
    public nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe loop.asUnownedSerialExecutor()
    }

    /// Opens the bus's journal and tables, waits for the event store, and binds `endpoint`.
    ///
    /// - Parameters:
    ///   - folder: the folder of the tables.
    ///   - journal: the folder of the journal.
    ///   - window: how many entries of a queue are kept in memory. Further ones wait on disk.
    ///   - journalBytes: the smallest size, in bytes, at which a new generation of the journal
    ///     starts with a snapshot.
    ///   - now: the system's clock.
    /// - Throws: `unavailable` if another process uses the folder, `damaged` if the
    ///   files are damaged or belong to another log.
    public init(
        endpoint: String, folder: String, journal journalFolder: String, client: EventStoreClient,
        on loop: SocketLoop, in context: Context, access: AccessControl = .none,
        window: Int = 20_000, journalBytes: Int = 64 << 20,
        now: @escaping @Sendable () -> Timestamp = { .now() }, logger: Logger
    ) async throws {
        lock = try FolderLock(folder)
        self.client = client
        self.loop = loop
        self.window = window
        self.journalBytes = journalBytes
        self.logger = logger
        let welcome = try await client.welcome()
        log = welcome.log
        openedAt = welcome.head
        let files = try await BusFiles.open(
            journal: journalFolder, cache: "\(folder)/bus.sqlite", of: log, head: openedAt,
            logger: logger)
        (journal, store) = (files.journal, files.store)
        routed = files.last.routed
        commits = Commits(after: files.last)
        clock = BusClock(after: files.last.time, system: now)
        guard routed <= welcome.head else {
            throw DaybookError(
                .damaged,
                "the bus's journal in \(journalFolder) has routed \(routed) events, but "
                    + "the log has only \(welcome.head): the log lost its end; restore a journal "
                    + "and a log of the same backup, or remove the folders \(journalFolder) and "
                    + "\(folder) to route the log again from its beginning")
        }
        server = try await CallServer(
            service: BusCall.service, log: log, endpoint: endpoint, on: loop, in: context,
            access: access, logger: logger)
        try await load()
        await answerCalls()
    }

    private func load() async throws {
        for row in try await store.rules() {
            // A pattern that another version accepted may be invalid now.
            do {
                try put(row)
            } catch {
                logger.error("rule \(row.rule.name) has no effect: \(error)")
            }
        }
        for row in try await store.queues() {
            queues[row.definition.name] = BusQueue(
                row, count: try await store.count(of: row.id), window: window)
            nextQueueID = max(nextQueueID, row.id + 1)
        }
        deadLetterCounts = try await store.deadLetterCounts()
        for (name, group) in try await store.deadGroups() {
            guard let queue = queues[name], queue.row.definition.afterDeath == .wait else {
                continue
            }
            queue.state.block(group)
        }
        // Earlier versions stored invalid replays, too.
        for row in try await store.replays() where row.definition.fault == nil {
            replays[row.definition.name] = Replay(row)
        }
        for row in try await store.archives() {
            do {
                try keep(row)
            } catch {
                logger.error("archive \(row.definition.name) has no effect: \(error)")
            }
        }
        definitions = Definitions.State(
            rules: rules.rules.values.map(\.definition),
            queues: queues.values.map {
                .init(
                    definition: $0.row.definition, isPaused: $0.row.isPaused,
                    hasStarted: $0.row.phase != .unstarted)
            },
            archives: archives.values.map(\.row.definition),
            replays: replays.mapValues(\.row.state))
        for queue in queues.values {
            let last = try await store.lastLeased(of: queue.row.id)
            // Entries in flight must be in memory, wherever they are in the queue.
            while queue.loadedThrough < last { try await readOn(queue) }
            try await refill(queue)
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
                group.addTask(executorPreference: loop) { try await self.appendDeaths() }
                group.addTask(executorPreference: loop) { try await self.fill() }
                group.addTask(executorPreference: loop) { try await self.replay() }
                group.addTask(executorPreference: loop) { try await self.archive() }
                group.addTask(executorPreference: loop) { try await self.answer() }
                // A call that finds damage is answered with an error, and the process ends.
                group.addTask { [store] in
                    for await error in store.store.failures { throw error }
                }
                // A task that waits for another would keep the group from ending.
                defer { stop() }
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

    /// Fails everyone still waiting.
    private func stop() {
        isStopped = true
        for waiter in routeWaiters { waiter.continuation.resume(throwing: CancellationError()) }
        routeWaiters = []
        commits.failWaiters(CancellationError())
        for queue in queues.values {
            while let receiver = queue.receivers.popFirst() { receiver.continuation.resume() }
        }
        heldRouter?.resume()
        heldRouter = nil
    }

    private func close() async throws {
        try await commit()
        try await flush()
        // The next process discards an unfinished generation and begins it again.
        await commits.snapshotTask?.value
        try store.close()
        try await journal.close()
        lock.release()
    }

    func queue(_ name: String) throws -> BusQueue {
        guard let queue = queues[name] else {
            throw ProtocolError(.notFound, "there is no queue '\(name)'")
        }
        return queue
    }

    // MARK: Time

    /// How much later than its time limit an event may be redelivered.
    private static let tick: Duration = .milliseconds(50)

    private func keepTime() async throws {
        while true {
            // Due times pass without any call, so the clock must be checked.
            try await Task.sleep(for: Self.tick)
            let now = clock.now
            for queue in queues.values {
                if queue.state.nextTick().isDue(at: now) { tick(queue, at: now) }
                queue.receivers.removeAll { receiver in
                    guard receiver.deadline <= now.running else { return false }
                    receiver.continuation.resume()
                    return true
                }
            }
            answers = answers.filter { !$0.value.isForgotten(at: now.running) }
            if isCommitDue(at: now.running) { commitSignal.continuation.yield() }
        }
    }

    /// Applies the passed time to the queue, and wakes a consumer that can continue.
    func tick(_ queue: BusQueue, at now: BusTime) {
        queue.state.tick(now: now, random: { .random(in: 0..<1) })
        applyChanges(of: queue, at: now)
    }

    /// Applies the changes of the queue's entries, and wakes a consumer that waits for one.
    func applyChanges(of queue: BusQueue, at now: BusTime) {
        for (entry, cause) in queue.record(queue.state.takeChanges(), at: now.running) {
            deadLetter(entry, of: queue.name, cause)
        }
        wake(queue)
    }

    /// Wakes one waiting consumer if an entry is ready. That consumer wakes the next.
    func wake(_ queue: BusQueue) {
        guard queue.state.hasReady else { return }
        queue.receivers.popFirst()?.continuation.resume()
    }
}
