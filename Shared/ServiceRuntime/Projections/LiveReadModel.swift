import EventSourcing
import EventStoreClient
import Foundation
import GRDB
import Logging
import WireProtocol
import ZeroMQ

/// The live read model of a projection: it follows the log, in memory and on disk, and answers
/// queries.
///
/// The store follows the model. While a commit is written, the model takes further events, and the
/// next commit has all their changes: a row that many events change is written once.
actor LiveReadModel<P: Projection>: LoopActor where P.Model: StoredModel {
    private(set) var model: ProjectedModel<P>
    private(set) var store: ProjectedStore
    /// The position up to which the model contains every event, and the queries that wait for a
    /// later one.
    private(set) var gate: PositionGate<Waiter>
    /// The same for the store.
    private var stored: PositionGate<Waiter>
    /// How many events the model contains and the store does not.
    private var unstored = 0
    private let commits = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    private var lastWaiter: UInt64 = 0
    /// Why the read model stopped following the log, or nil while it follows.
    private var end: (any Error)?
    /// The locks that are held while the model and its store change, and while they are rebuilt.
    private var locks = KeyedLock()
    /// What the model contains of amendments: events after `from` were read when the log had
    /// reached `head`, so they are as amendments up to there say.
    private var amended: (from: UInt64, head: UInt64)
    /// Called with each amendment, before the model reaches its position.
    private var onAmendment: @Sendable (AmendmentNotice) async throws -> Void = { _ in }
    /// The current or last rebuild, or nil if there was none.
    private var rebuild: RebuildStatus?
    private let rebuilds = AsyncStream<Void>.makeStream()
    /// The errors of queries after which the store can't be used.
    private let failure = AsyncStream<any Error>.makeStream(bufferingPolicy: .bufferingNewest(1))

    let client: EventStoreClient
    let log: EventID
    private let logger: Logger
    /// The process's socket loop: calls from there need no change of threads.
    nonisolated let loop: SocketLoop

    /// How many events the store may lack before the model waits for it.
    private static var mostUnstored: Int { 5000 }

    /// A query that waits for a later position.
    struct Waiter {
        let id: UInt64
        let continuation: CheckedContinuation<Void, any Error>
    }

    /// Opens the store at `path`. Replaces a store of another version by an empty one, which
    /// `run()` fills from the log.
    init(
        _ projection: P.Type, at path: String, log: EventID, client: EventStoreClient,
        on loop: SocketLoop, logger: Logger
    ) async throws {
        (model, store) = try await Self.open(path, log: log, logger: logger)
        gate = PositionGate(at: store.checkpoint)
        stored = PositionGate(at: store.checkpoint)
        amended = (from: store.checkpoint, head: 0)
        self.client = client
        self.log = log
        self.logger = logger
        self.loop = loop
    }

    private static func open(
        _ path: String, log: EventID, logger: Logger
    ) async throws -> (ProjectedModel<P>, ProjectedStore) {
        if let store = try P.openStore(path, log: log) {
            return (try await store.read(ProjectedModel.load), store)
        }
        logger.notice("the projection's version has changed; rebuilding its store from the log")
        try ProjectedStore.remove(path)
        // The file was just removed, so this creates a store of the current version.
        return (ProjectedModel(), try P.openStore(path, log: log)!)
    }

    /// Follows the log and executes rebuilds until cancelled.
    ///
    /// Resumes a rebuild that an earlier process left unfinished.
    func run() async throws {
        defer { stop(CancellationError()) }
        if FileManager.default.fileExists(atPath: rebuildPath) { _ = rebuild(.random()) }
        do { try await follow() } catch is CancellationError {
            try await commit()
            throw CancellationError()
        }
    }

    private func follow() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.followLog() }
            group.addTask { for await _ in self.commits.stream { try await self.commit() } }
            group.addTask {
                for await _ in self.rebuilds.stream { try await self.rebuildFromLog() }
            }
            // A query that finds damage is answered with an error, and the process ends.
            group.addTask { for await error in self.failure.stream { throw error } }
            // The first failure must cancel the other tasks. waitForAll would wait for them first.
            for try await _ in group {}
        }
    }

    /// Makes the model call `body` with each amendment that it meets in the log.
    func notifyOfAmendments(_ body: @escaping @Sendable (AmendmentNotice) async throws -> Void) {
        onAmendment = body
    }

    private func followLog() async throws {
        if try await retryWhileUnavailable({ try await canReadMore() }) { _ = rebuild(.random()) }
        let head = try await retryWhileUnavailable { try await client.welcome().head }
        // A rebuild that has ended meanwhile began at an earlier head, and may lack an amendment.
        if amended.head == 0 { amended.head = head }
        // One subscription to both: the model must not pass an amendment that it has not seen.
        let query = EventQuery(
            P.query.items + (P.query.isAll ? [] : Amendments.query.items))
        // The store may have been replaced since this process asked it for its log.
        let subscription = try await retryWhileUnavailable {
            try await client.subscribe(query, after: gate.position, in: log)
        }
        for try await batch in subscription { try await take(batch) }
    }

    /// Returns whether the projection can read one of the events that it could not read before, as
    /// a later version may.
    private func canReadMore() async throws -> Bool {
        guard model.stopped.degradation != nil else { return false }
        for event in try await store.read(StoppedEntities.firstEvents(in:)) {
            guard let record = try await client.event(id: event.id) else { continue }
            if (try? Recorded<P.Event>.events(in: record, by: P.self)) != nil { return true }
        }
        return false
    }

    /// Applies a batch. At an amendment of an event that the model contains as it was read before,
    /// the model first becomes one that has the amendment.
    private func take(_ batch: EventBatch) async throws {
        // A rebuild for an amendment reaches beyond it.
        var events = batch.events.drop { $0.position <= gate.position }
        while let index = events.firstIndex(where: Amendments.contain) {
            let position = events[index].position
            try await fold(events[..<index], through: position - 1)
            let record = events[index]
            let notice = try await retryWhileUnavailable {
                try await Amendments.notice(record, client)
            }
            if let notice {
                try await onAmendment(notice)
                try await rebuild(for: notice)
            }
            events = events[(index + 1)...].drop { $0.position <= gate.position }
        }
        try await fold(events, through: max(batch.through, gate.position))
    }

    private func fold(_ events: ArraySlice<RecordedEvent>, through position: UInt64) async throws {
        try await whileLocked("model") {
            model.fold(events)
            unstored += events.count
            for waiter in gate.advance(to: position) { waiter.continuation.resume() }
        }
        commits.continuation.yield()
        if unstored > Self.mostUnstored { try await wait(for: position, isStored: true) }
    }

    /// Writes the changes of the model since the last commit into the store.
    func commit() async throws {
        try await whileLocked("store") {
            let position = gate.position
            if unstored > 0 {
                unstored = 0
                let (store, writes) = (store, model.takeWrites())
                // In a task of its own, because a cancelled one would lose the changes.
                try await Task(executorPreference: loop) {
                    try await store.commit(writes, checkpoint: position)
                }.value
            }
            for waiter in stored.advance(to: position) { waiter.continuation.resume() }
        }
    }

    private func needsRebuild(_ notice: AmendmentNotice) -> Bool {
        P.query.matches(notice.event)
            && (notice.position > amended.head || notice.event.position <= amended.from)
    }

    /// Rebuilds the model from the log, which has the amendment by now, and switches over, if the
    /// model lacks the amendment. Queries are answered from the old model meanwhile, unless they
    /// wait for a later position.
    ///
    /// - Throws: an error after which the process should end. The next one rebuilds again, because
    ///   the old store stays before the amendment.
    private func rebuild(for notice: AmendmentNotice) async throws {
        try await whileLocked("rebuild") {
            // A rebuild by command may have read the amendment meanwhile.
            guard needsRebuild(notice) else { return }
            logger.notice(
                "rebuilding the read model, because an event was amended",
                metadata: ["event": "\(notice.event.id)"])
            try await retryWhileUnavailable {
                var fresh = try await Rebuilding<P>(at: rebuildPath, log: log, from: client)
                rebuild = RebuildStatus(id: .random(), target: fresh.head)
                // Up to the head at its start and not further: it has all amendments up to there.
                try await fresh.extend(to: fresh.head, from: client, show)
                try await switchOver(to: fresh)
            }
            rebuild?.state = .done
            // The rebuild may have reached later amendments, which the log does not bring again.
            let later = try await retryWhileUnavailable {
                try await Amendments.notices(after: notice.position, client)
            }
            for notice in later { try await onAmendment(notice) }
            for waiter in gate.advance(to: max(amended.head, gate.position)) {
                waiter.continuation.resume()
            }
            commits.continuation.yield()
        }
    }

    /// Returns the answer of `ask`. Retries while the event store is unavailable or overloaded.
    private func retryWhileUnavailable<Answer>(
        _ ask: () async throws -> Answer
    ) async throws -> Answer {
        try await retrying(noting: logger.noteWaiting, ask)
    }

    /// Runs `body` while nobody else holds the lock of this name.
    func whileLocked<Result>(
        _ name: String, _ body: () async throws -> Result
    ) async throws -> Result {
        if !locks.tryLock(name) {
            await withCheckedContinuation { locks.wait(for: name, $0) }
        }
        defer { locks.unlock(name) }
        return try await body()
    }

    /// Stops following the log for `reason`, and fails all queries that wait for later events.
    private func stop(_ reason: any Error) {
        end = end ?? reason
        for waiter in gate.removeAll() + stored.removeAll() {
            waiter.continuation.resume(throwing: reason)
        }
    }

    // MARK: Queries

    /// Answers from memory once the model contains every event up to `position`.
    func read<Answer>(
        atLeast position: UInt64 = 0, _ body: (ProjectedModel<P>) throws -> sending Answer
    ) async throws -> sending Answer {
        try await wait(for: position)
        return try body(model)
    }

    /// Answers from disk, for rows that are not kept in memory, once the store contains what the
    /// model does.
    func readStore<Answer: Sendable>(
        _ body: @escaping ProjectedStore.Reading<Answer>
    ) async throws -> Answer {
        try await wait(for: gate.position, isStored: true)
        do {
            return try await store.read(body)
        } catch {
            if StoreFailure.endsProcess(error) { failure.continuation.yield(error) }
            throw error
        }
    }

    /// Waits until the model contains every event up to `position`, or if `isStored`, the store.
    func wait(for position: UInt64, isStored: Bool = false) async throws {
        func isReached() -> Bool { position <= (isStored ? stored : gate).position }
        guard !isReached() else { return }
        lastWaiter += 1
        let id = lastWaiter
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                // Checked here, because the model may have caught up while this task suspended.
                if isReached() {
                    continuation.resume()
                } else if let end = Task.isCancelled ? CancellationError() : end {
                    continuation.resume(throwing: end)
                } else if isStored {
                    stored.add(Waiter(id: id, continuation: continuation), for: position)
                } else {
                    gate.add(Waiter(id: id, continuation: continuation), for: position)
                }
            }
        } onCancel: {
            Task(executorPreference: loop) { await self.stopWaiting(id) }
        }
    }

    private func stopWaiting(_ id: UInt64) {
        let waiter = gate.remove { $0.id == id } ?? stored.remove { $0.id == id }
        waiter?.continuation.resume(throwing: CancellationError())
    }

    // MARK: Rebuild

    /// Starts a rebuild of the model and its store from the log, and returns its progress. Queries
    /// read the old ones meanwhile.
    ///
    /// A request joins a rebuild that is running, and never starts the last rebuild a second time.
    /// To follow the progress, a caller repeats the request with the id in the answer.
    func rebuild(_ id: EventID) -> ProjectionStatus {
        if let rebuild, rebuild.isRunning || rebuild.id == id { return status() }
        rebuild = RebuildStatus(id: id, target: gate.position)
        rebuilds.continuation.yield()
        return status()
    }

    /// The path of the store that is being rebuilt, until it replaces the live one.
    private var rebuildPath: String { store.path + ".rebuild" }

    /// Rebuilds the model and its store. If that fails, the old ones stay in use.
    ///
    /// - Throws: `CancellationError` if the process stops. The next process resumes the rebuild.
    private func rebuildFromLog() async throws {
        do {
            try await whileLocked("rebuild") {
                let fresh = try await Rebuilding<P>(at: rebuildPath, log: log, from: client)
                do {
                    try await build(fresh)
                } catch {
                    // The next process resumes a rebuild that was interrupted.
                    if error is CancellationError {
                        try fresh.store.close()
                    } else {
                        try fresh.abandon()
                    }
                    throw error
                }
            }
            rebuild?.state = .done
        } catch let error as CancellationError {
            throw error
        } catch {
            logger.error(
                "rebuild failed; the old read model stays in use",
                metadata: ["reason": "\(error)"])
            rebuild?.state = .failed
            rebuild?.reason = "\(error)"
        }
    }

    /// Reads the whole log, then the events appended meanwhile, and switches over.
    ///
    /// The live read model waits only while the last few events are read.
    private func build(_ fresh: Rebuilding<P>) async throws {
        var fresh = fresh
        for _ in 1...2 { try await fresh.extend(to: gate.position, from: client, show) }
        try await whileLocked("model") {
            try await fresh.extend(to: gate.position, from: client, show)
            try await switchOver(to: fresh)
        }
    }

    private func show(_ fresh: Rebuilding<P>) {
        rebuild?.position = fresh.position
        rebuild?.events = fresh.events
        rebuild?.target = gate.position
    }

    private func switchOver(to fresh: Rebuilding<P>) async throws {
        try await whileLocked("store") {
            let path = store.path
            try fresh.store.close()
            try store.close()
            try ProjectedStore.replace(path, with: fresh.store.path)
            // The file that was just moved there has the current version.
            store = try P.openStore(path, log: log)!
            model = fresh.model
            unstored = 0
            amended = (from: 0, head: fresh.head)
        }
    }

    // MARK: Status

    func status() -> ProjectionStatus {
        ProjectionStatus(
            checkpoint: gate.position, store: store.path, rebuild: rebuild,
            degraded: model.stopped.degradation,
            amendedEvents: model.amended.count > 0 ? model.amended.count : nil)
    }

    func close() throws { try store.close() }
}
