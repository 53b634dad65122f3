import DequeModule
import EventSourcing
public import EventStoreClient
import Foundation
public import Logging
import ServiceKit
public import WireProtocol
public import ZeroMQ

/// The event bus: sends each event of the log, by rules, to durable queues, and delivers from them.
///
/// It follows the log as any subscriber does, and is behind it by a moment. What it knows is a
/// function of the log and of what consumers have acknowledged: rules, queues and dead letters are
/// events themselves, and take effect where they stand in the log.
///
/// A turn works in memory; commits follow, one after the other, each with all that has changed
/// since the last. An event is delivered without waiting for one: if it is lost the event is routed
/// again. What is acknowledged is answered when it is on disk.
public actor Bus {
    let store: BusStore
    let client: EventStoreClient
    let logger: Logger
    let server: RequestServer
    let loop: SocketLoop
    let log: EventID
    private let lock: FolderLock
    /// Where the log ended when the bus was opened.
    let openedAt: UInt64

    var rules = RuleBook()
    var queues: [String: BusQueue] = [:]
    var cache = RecordCache()
    /// Every event up to here is routed, in memory.
    var routed: UInt64
    /// Every event up to here is routed, on disk.
    private var committedThrough: UInt64
    /// Rules and dead letters that have changed since the last commit.
    var changes = WriteBatch()
    /// Dead letters that the commit under way writes: not to be seen in the store yet.
    var committingLetters: [DeadLetterRow] = []
    var nextQueueID: Int64 = 1
    /// How many dead letters there are, by the names of their queues, which may be gone.
    var deadLetterCounts: [String: Int] = [:]
    /// Deaths of which the log does not tell yet.
    var deaths: [Death] = []
    var replays: [String: Replay] = [:]
    var plans: [ReplayDefinition: Plan] = [:]
    var archives: [String: Archive] = [:]
    var answers: [ConsumerKey: ReceiveAnswer] = [:]

    /// Who waits until the log is routed up to a position.
    var routeWaiters: [(position: UInt64, continuation: CheckedContinuation<Void, any Error>)] = []
    /// Who waits for the commit of what has changed so far.
    var commitWaiters: [CheckedContinuation<Void, any Error>] = []
    /// The router waits while a queue is brought up to it.
    var isRouterHeld = false
    var heldRouter: CheckedContinuation<Void, Never>?
    var isStopped = false

    let commitSignal = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    let deathSignal = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    let replaySignal = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    let fillSignal = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    let archiveSignal = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))

    public nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe loop.asUnownedSerialExecutor()
    }

    /// Opens the bus's store in `folder`, waits for the event store, and binds `endpoint`.
    ///
    /// - Throws: `Problem` if another process has the folder, `ProjectedStore.Unusable` for a store
    ///   that does not go with the log.
    public init(
        endpoint: String, folder: String, client: EventStoreClient, on loop: SocketLoop,
        in context: Context, access: AccessControl = .none, logger: Logger
    ) async throws {
        lock = try FolderLock(folder)
        self.client = client
        self.loop = loop
        self.logger = logger
        let welcome = try await client.welcome()
        log = welcome.log
        let path = "\(folder)/bus.sqlite"
        store = try BusStore(path: path, log: log)
        openedAt = welcome.head
        routed = store.routed
        committedThrough = routed
        guard routed <= welcome.head else {
            throw ProjectedStore.Unusable(
                description: "\(path) has routed \(routed) events, but the log has only "
                    + "\(welcome.head); remove it to route the log again")
        }
        server = try await RequestServer(
            service: BusCall.service, log: log, endpoint: endpoint, on: loop, in: context,
            access: access, logger: logger)
        try await load()
        await answerCalls()
    }

    private func load() async throws {
        for row in try await store.rules() {
            // One that was accepted by another version of the pattern language may be refused now.
            do {
                rules.put(try Rule(row))
            } catch {
                logger.error("rule \(row.rule.name) is not at work: \(error)")
            }
        }
        for row in try await store.queues() {
            queues[row.definition.name] = BusQueue(row, count: try await store.count(of: row.id))
            nextQueueID = max(nextQueueID, row.id + 1)
        }
        deadLetterCounts = try await store.deadLetterCounts()
        for (name, group) in try await store.deadGroups() {
            guard let queue = queues[name], queue.row.definition.afterDeath == .wait else {
                continue
            }
            queue.state.block(group)
        }
        // An earlier version kept replays that make no sense.
        for row in try await store.replays() where row.definition.fault == nil {
            replays[row.definition.name] = Replay(row)
        }
        for row in try await store.archives() {
            do {
                try keep(row)
            } catch {
                logger.error("archive \(row.definition.name) is not at work: \(error)")
            }
        }
        for queue in queues.values { try await refill(queue) }
    }

    /// Routes and delivers until cancelled; then all that has changed is written.
    public func run() async throws {
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask(executorPreference: loop) { try await self.route() }
                group.addTask(executorPreference: loop) { try await self.commitChanges() }
                group.addTask(executorPreference: loop) { try await self.keepTime() }
                group.addTask(executorPreference: loop) { try await self.bury() }
                group.addTask(executorPreference: loop) { try await self.fill() }
                group.addTask(executorPreference: loop) { try await self.replay() }
                group.addTask(executorPreference: loop) { try await self.archive() }
                group.addTask(executorPreference: loop) { try await self.answer() }
                // Whoever waits for one of these would keep the others from ending.
                defer { stop() }
                try await group.next()
            }
        } catch is CancellationError {
            // Asked to stop; anything else leaves the store as the last commit left it.
        }
        // Not part of the task that was cancelled, for it still writes.
        try await Task(executorPreference: loop) { try await self.close() }.value
        throw CancellationError()
    }

    /// Answers calls, once the bus has taken in what was in the log when it was opened: what was
    /// made before a crash is there for whoever asks after it.
    private func answer() async throws {
        try await routed(through: openedAt)
        try await server.run()
    }

    /// Whoever waits for more waits in vain.
    private func stop() {
        isStopped = true
        for waiter in routeWaiters { waiter.continuation.resume(throwing: CancellationError()) }
        routeWaiters = []
        for waiter in commitWaiters { waiter.resume(throwing: CancellationError()) }
        commitWaiters = []
        for queue in queues.values {
            while let receiver = queue.receivers.popFirst() { receiver.continuation.resume() }
        }
        heldRouter?.resume()
        heldRouter = nil
    }

    private func close() async throws {
        try await commit()
        try store.close()
        lock.release()
    }

    func queue(_ name: String) throws -> BusQueue {
        guard let queue = queues[name] else {
            throw ProtocolError(.notFound, "there is no queue '\(name)'")
        }
        return queue
    }

    // MARK: Commits

    private func commitChanges() async throws {
        for await _ in commitSignal.stream {
            // Not part of the task that is cancelled when the process stops: a transaction would be
            // broken off, and what it was to write be missing from the last one.
            try await Task(executorPreference: loop) { try await self.commit() }.value
        }
        throw CancellationError()
    }

    /// Writes what has changed, in one transaction; then queues take in what waits for room.
    private func commit() async throws {
        let waiters = commitWaiters
        commitWaiters = []
        let through = routed
        var batch = changes
        changes = WriteBatch()
        committingLetters = batch.newDeadLetters
        for queue in queues.values where !queue.writes.isEmpty {
            // Entries and the row that numbers them are of one moment.
            queue.writes.row = queue.row
            batch.queues.append(queue.writes)
            queue.committing = queue.writes.puts
            queue.writes = QueueWrites(id: queue.row.id)
        }
        do {
            try await store.commit(batch, routed: through)
        } catch {
            for waiter in waiters { waiter.resume(throwing: error) }
            throw error
        }
        committedThrough = through
        committingLetters = []
        for queue in queues.values { queue.committing = [:] }
        for waiter in waiters { waiter.resume() }
        for queue in queues.values { try await refill(queue) }
    }

    /// Returns when all that has changed so far is on disk.
    func committed() async throws {
        try await withCheckedThrowingContinuation {
            (continuation: CheckedContinuation<Void, any Error>) in
            guard !isStopped else { return continuation.resume(throwing: CancellationError()) }
            commitWaiters.append(continuation)
            commitSignal.continuation.yield()
        }
    }

    /// Reads on where there is room; what the store does not have yet comes after its commit.
    private func refill(_ queue: BusQueue) async throws {
        let epoch = queue.epoch
        for group in queue.unblocked {
            queue.unblocked.remove(group)
            let entries = try await store.entries(
                of: queue.row.id, in: group, through: queue.loadedThrough)
            if epoch == queue.epoch { queue.unblock(group, entries) }
        }
        if queue.needsRefill {
            queue.isRefilling = true
            defer { queue.isRefilling = false }
            let entries = try await store.entries(
                of: queue.row.id, after: queue.loadedThrough, limit: BusQueue.window / 2)
            if epoch == queue.epoch {
                queue.refill(entries, isAll: entries.count < BusQueue.window / 2)
            }
        }
        tick(queue, at: .now())
    }

    // MARK: Time

    /// How late a passed time limit may be noticed.
    private static let tick: Duration = .milliseconds(50)

    private func keepTime() async throws {
        while true {
            // What becomes due does so by the clock alone.
            try await Task.sleep(for: Self.tick)
            let now = Timestamp.now()
            for queue in queues.values {
                if let next = queue.state.nextTick(), next <= now { tick(queue, at: now) }
                queue.receivers.removeAll { receiver in
                    guard receiver.deadline <= now else { return false }
                    receiver.continuation.resume()
                    return true
                }
            }
            answers = answers.filter { !$0.value.isForgotten(at: now) }
            if hasChanges { commitSignal.continuation.yield() }
        }
    }

    private var hasChanges: Bool {
        routed != committedThrough || !changes.replays.isEmpty
            || queues.values.contains { !$0.writes.isEmpty }
    }

    /// Lets time pass for the queue, and wakes who can go on.
    func tick(_ queue: BusQueue, at now: Timestamp) {
        queue.state.tick(now: now, random: { .random(in: 0..<1) })
        settle(queue, at: now)
    }

    /// Works in what has become of the queue's entries, and wakes who waits for one.
    func settle(_ queue: BusQueue, at now: Timestamp) {
        for (entry, cause) in queue.settle(queue.state.takeChanges(), at: now) {
            die(entry, of: queue.name, cause)
        }
        wake(queue)
    }

    /// Wakes a consumer that waits, if there is something for it; it wakes the next in its turn.
    func wake(_ queue: BusQueue) {
        guard queue.state.hasReady else { return }
        queue.receivers.popFirst()?.continuation.resume()
    }
}
