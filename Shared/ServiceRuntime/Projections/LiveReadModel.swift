import EventSourcing
import EventStoreClient
import Foundation
import GRDB
import Logging
import WireProtocol
import ZeroMQ

/// The live read model of a projection: it follows the log, in memory and on disk, and answers
/// queries.
actor LiveReadModel<P: Projection>: LoopActor where P.Model: StoredModel {
    private var model: P.Model
    private var store: ProjectedStore
    /// The position up to which the model contains every event, and the queries that wait for a
    /// later one.
    private var gate: PositionGate<CheckedContinuation<Void, any Error>>
    /// Why the read model stopped following the log, or nil while it follows.
    private var end: (any Error)?
    /// The lock that is held while the model and its store change.
    private var changeLock = KeyedLock()
    /// The current or last rebuild, or nil if there was none.
    private var rebuild: RebuildStatus?
    private let rebuilds = AsyncStream<Void>.makeStream()
    /// The errors of queries after which the store can't be used.
    private let failure = AsyncStream<any Error>.makeStream(bufferingPolicy: .bufferingNewest(1))

    private let client: EventStoreClient
    private let log: EventID
    private let logger: Logger
    /// The process's socket loop: calls from there need no change of threads.
    nonisolated let loop: SocketLoop

    /// Opens the store at `path`. Replaces a store of another version by an empty one, which
    /// `run()` fills from the log.
    init(
        _ projection: P.Type, at path: String, log: EventID, client: EventStoreClient,
        on loop: SocketLoop, logger: Logger
    ) async throws {
        (model, store) = try await Self.open(path, log: log, logger: logger)
        gate = PositionGate(at: store.checkpoint)
        self.client = client
        self.log = log
        self.logger = logger
        self.loop = loop
    }

    private static func open(
        _ path: String, log: EventID, logger: Logger
    ) async throws -> (P.Model, ProjectedStore) {
        if let store = try P.openStore(path, log: log) {
            return (try await store.read(P.Model.load), store)
        }
        logger.notice("the projection's version has changed; rebuilding its store from the log")
        try ProjectedStore.remove(path)
        // The file was just removed, so this creates a store of the current version.
        return (P.Model(), try P.openStore(path, log: log)!)
    }

    /// Follows the log and executes rebuilds until cancelled.
    ///
    /// Resumes a rebuild that an earlier process left unfinished.
    func run() async throws {
        defer { stop(CancellationError()) }
        if FileManager.default.fileExists(atPath: rebuildPath) { _ = rebuild(.random()) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.followLog() }
            group.addTask {
                for await _ in self.rebuilds.stream { try await self.rebuildFromLog() }
            }
            // A query that finds damage is answered with an error, and the process ends.
            group.addTask { for await error in self.failure.stream { throw error } }
            // The first failure must cancel the other tasks. waitForAll would wait for them first.
            for try await _ in group {}
        }
    }

    private func followLog() async throws {
        do {
            // The store may have been replaced since this process asked it for its log.
            let subscription = try await client.subscribe(P.query, after: gate.position, in: log)
            for try await batch in subscription {
                try await whileLocked {
                    if !batch.events.isEmpty {
                        try P.project(batch.events, onto: &model)
                        try await store.commit(model.takeWrites(), checkpoint: batch.through)
                    }
                    for waiter in gate.advance(to: batch.through) { waiter.resume() }
                }
            }
        } catch let error as ProjectionStopped {
            // Commands and the saga participant do not need the read model, so the process runs on.
            logger.error("\(error)")
            stop(error)
        }
    }

    /// Runs `body` while no other change of the model or its store is under way.
    private func whileLocked<Result>(_ body: () async throws -> Result) async throws -> Result {
        if !changeLock.tryLock("model") {
            await withCheckedContinuation { changeLock.wait(for: "model", $0) }
        }
        defer { changeLock.unlock("model") }
        return try await body()
    }

    /// Stops following the log for `reason`, and fails all queries that wait for later events.
    private func stop(_ reason: any Error) {
        end = end ?? reason
        for waiter in gate.removeAll() { waiter.resume(throwing: reason) }
    }

    // MARK: Queries

    /// Answers from memory once the model contains every event up to `position`.
    func read<Answer>(
        atLeast position: UInt64 = 0, _ body: (P.Model) throws -> sending Answer
    ) async throws -> sending Answer {
        try await wait(for: position)
        return try body(model)
    }

    /// Answers from disk, for rows that are not kept in memory, once the store contains every event
    /// up to `position`.
    func readStore<Answer: Sendable>(
        atLeast position: UInt64 = 0,
        _ body: @escaping ProjectedStore.Reading<Answer>
    ) async throws -> Answer {
        try await wait(for: position)
        do {
            return try await store.read(body)
        } catch {
            if StoreFailure.endsProcess(error) { failure.continuation.yield(error) }
            throw error
        }
    }

    private func wait(for position: UInt64) async throws {
        if let stopped = end as? ProjectionStopped { throw stopped }
        guard position > gate.position else { return }
        try await withCheckedThrowingContinuation { continuation in
            // Checked here, because the model may have caught up while this task suspended.
            if position <= gate.position {
                continuation.resume()
            } else if let end {
                continuation.resume(throwing: end)
            } else {
                gate.add(continuation, for: position)
            }
        }
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
            let fresh = try await Rebuilding<P>(at: rebuildPath, log: log)
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
        try await whileLocked {
            try await fresh.extend(to: gate.position, from: client, show)
            try switchOver(to: fresh)
        }
    }

    private func show(_ fresh: Rebuilding<P>) {
        rebuild?.position = fresh.position
        rebuild?.events = fresh.events
        rebuild?.target = gate.position
    }

    private func switchOver(to fresh: Rebuilding<P>) throws {
        let path = store.path
        try fresh.store.close()
        try store.close()
        try ProjectedStore.replace(path, with: fresh.store.path)
        // The file that was just moved there has the current version.
        store = try P.openStore(path, log: log)!
        model = fresh.model
    }

    // MARK: Comparison

    /// Returns the differences between the store's rows and those that the log leads to, up to the
    /// limit of `RowDifference`.
    ///
    /// Folds the whole log into a store beside the live one, which waits only while the last few
    /// events are read.
    func differences() async throws -> [RowDifference] {
        let lock = "comparison"
        if !changeLock.tryLock(lock) {
            await withCheckedContinuation { changeLock.wait(for: lock, $0) }
        }
        defer { changeLock.unlock(lock) }
        let path = store.path + ".comparison"
        // What an earlier process has left is not trusted.
        try ProjectedStore.remove(path)
        var fresh = try await Rebuilding<P>(at: path, log: log)
        do {
            for _ in 1...2 { try await fresh.extend(to: gate.position, from: client) { _ in } }
            let shown = try await whileLocked {
                try await fresh.extend(to: gate.position, from: client) { _ in }
                return try store.snapshot()
            }
            let live = store.path
            let found = try await fresh.store.read { log in
                try StoreFailure.naming(live) {
                    try shown.read { try RowDifference.all(of: P.Model.self, log, $0) }
                }
            }
            try shown.close()
            try fresh.abandon()
            return found
        } catch {
            try fresh.abandon()
            throw error
        }
    }

    // MARK: Status

    func status() -> ProjectionStatus {
        ProjectionStatus(
            checkpoint: gate.position, store: store.path, rebuild: rebuild,
            stopped: (end as? ProjectionStopped)?.description)
    }

    func close() throws { try store.close() }
}
