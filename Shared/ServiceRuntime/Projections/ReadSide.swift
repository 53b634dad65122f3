public import EventSourcing
import EventStoreClient
import GRDB
import Logging
import WireProtocol
import ZeroMQ

/// A projection at work: follows the log, keeps its model in memory and on disk, and answers from
/// memory.
public actor ReadSide<P: Projection> where P.Model: StoredModel {
    private var model: P.Model
    private var store: ProjectedStore
    /// Every event up to here is in the model.
    private var through: UInt64
    private typealias Waiter = (
        position: UInt64, continuation: CheckedContinuation<Void, any Error>
    )
    private var waiters: [Waiter] = []
    /// Why it follows the log no more, once it does not.
    private var end: (any Error)?
    /// Held while the model and its store change.
    private var turn = KeyedLock()
    /// The last rebuild.
    private var rebuild: RebuildStatus?
    private let rebuilds = AsyncStream<Void>.makeStream()
    /// The error of a query after which the store can't be used.
    private let failure = AsyncStream<any Error>.makeStream(bufferingPolicy: .bufferingNewest(1))

    private let client: EventStoreClient
    private let log: EventID
    private let logger: Logger
    private let loop: SocketLoop

    public nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe loop.asUnownedSerialExecutor()
    }

    /// Opens the store at `path`; one of another version is thrown away and built from the log.
    init(
        _ projection: P.Type, at path: String, log: EventID, client: EventStoreClient,
        on loop: SocketLoop, logger: Logger
    ) async throws {
        (model, store) = try await Self.open(path, log: log, logger: logger)
        through = store.checkpoint
        self.client = client
        self.log = log
        self.logger = logger
        self.loop = loop
    }

    private static func open(
        _ path: String, log: EventID, logger: Logger
    ) async throws -> (P.Model, ProjectedStore) {
        let store: ProjectedStore
        if let existing = try P.openStore(path, log: log) {
            store = existing
        } else {
            logger.notice("the projection has changed: building its store from the log")
            try ProjectedStore.remove(path)
            // A new store has the version it is made with.
            store = try P.openStore(path, log: log)!
        }
        return (try await store.load(P.Model.self), store)
    }

    /// Follows the log, and rebuilds when asked to, until cancelled.
    ///
    /// A rebuild that a process before this one was at is gone on with.
    func run() async throws {
        defer { stop(CancellationError()) }
        if Rebuilding<P>.isBegun(at: rebuildPath) { _ = rebuild(.random()) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.followLog() }
            group.addTask {
                for await _ in self.rebuilds.stream { try await self.rebuildFromLog() }
            }
            // A query that finds damage is answered with an error, and the process ends.
            group.addTask { for await error in self.failure.stream { throw error } }
            // The first that fails ends the others, for which waitForAll would wait.
            for try await _ in group {}
        }
    }

    private func followLog() async throws {
        do {
            // The store may have been replaced since this process asked it for its log.
            let subscription = try await client.subscribe(P.query, after: through, in: log)
            for try await batch in subscription {
                try await inTurn {
                    if !batch.events.isEmpty {
                        try P.project(batch.events, onto: &model)
                        try await store.commit(model.takeWrites(), checkpoint: batch.through)
                    }
                    advance(to: batch.through)
                }
            }
        } catch let error as ProjectionStopped {
            // The process goes on with all else that it does.
            logger.error("\(error)")
            stop(error)
        }
    }

    private func inTurn(_ body: () async throws -> Void) async throws {
        if !turn.tryLock("model") { await withCheckedContinuation { turn.wait(for: "model", $0) } }
        defer { turn.unlock("model") }
        try await body()
    }

    private func advance(to position: UInt64) {
        through = position
        waiters.removeAll { waiter in
            guard waiter.position <= position else { return false }
            waiter.continuation.resume()
            return true
        }
    }

    /// Whoever waits for more waits in vain.
    private func stop(_ reason: any Error) {
        end = end ?? reason
        for waiter in waiters { waiter.continuation.resume(throwing: reason) }
        waiters = []
    }

    // MARK: Queries

    /// Answers from memory, once every event up to `position` is in the model.
    func read<Answer>(
        atLeast position: UInt64 = 0, _ body: (P.Model) throws -> sending Answer
    ) async throws -> sending Answer {
        try await wait(for: position)
        return try body(model)
    }

    /// Answers from disk, for what is not kept in memory.
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
        guard position > through else { return }
        try await withCheckedThrowingContinuation { continuation in
            // Looked at here: others may have had their turn while this task suspended.
            if position <= through {
                continuation.resume()
            } else if let end {
                continuation.resume(throwing: end)
            } else {
                waiters.append((position, continuation))
            }
        }
    }

    // MARK: Rebuild

    /// Has model and store built again from the log, while the old ones serve, and says how far
    /// that is.
    ///
    /// A rebuild that is under way is joined; one whose id is known is not begun again. So whoever
    /// wants to know more asks again, with the id that was answered.
    func rebuild(_ id: EventID) -> ProjectionStatus {
        if let rebuild, rebuild.isRunning || rebuild.id == id { return status() }
        rebuild = RebuildStatus(id: id, target: through)
        rebuilds.continuation.yield()
        return status()
    }

    /// Where what is built again is, until it serves.
    private var rebuildPath: String { store.path + ".rebuild" }

    /// - Throws: `CancellationError`: the next process goes on. What else goes wrong leaves the old
    ///   ones in their place.
    private func rebuildFromLog() async throws {
        do {
            let fresh = try await Rebuilding<P>(at: rebuildPath, log: log)
            do {
                try await build(fresh)
            } catch let error as CancellationError {
                try fresh.store.close()
                throw error
            } catch {
                try fresh.abandon()
                throw error
            }
            rebuild?.state = .done
        } catch let error as CancellationError {
            throw error
        } catch {
            logger.error("a rebuild has failed", metadata: ["reason": "\(error)"])
            rebuild?.state = .failed
            rebuild?.reason = "\(error)"
        }
    }

    /// Takes in the whole log, then what has come meanwhile; the projection waits only for the
    /// rest.
    private func build(_ fresh: Rebuilding<P>) async throws {
        var fresh = fresh
        for _ in 1...2 { try await fresh.extend(to: through, from: client, show) }
        try await inTurn {
            try await fresh.extend(to: through, from: client, show)
            try switchOver(to: fresh)
        }
    }

    private func show(_ fresh: Rebuilding<P>) {
        rebuild?.position = fresh.position
        rebuild?.events = fresh.events
        rebuild?.target = through
    }

    private func switchOver(to fresh: Rebuilding<P>) throws {
        let path = store.path
        try fresh.store.close()
        try store.close()
        try ProjectedStore.replace(path, with: fresh.store.path)
        // The file that was just put there has this version.
        store = try P.openStore(path, log: log)!
        model = fresh.model
    }

    // MARK: Status

    func status() -> ProjectionStatus {
        ProjectionStatus(
            checkpoint: through, store: store.path, rebuild: rebuild,
            stopped: (end as? ProjectionStopped)?.description)
    }

    func close() throws { try store.close() }
}
