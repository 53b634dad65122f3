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
    private var isCommitting = false
    private var waiters: [(position: UInt64, continuation: CheckedContinuation<Void, any Error>)] =
        []
    private var hasStopped = false
    private var rebuild: RebuildProgress?

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
        if let existing = try openStore(path, log: log) {
            store = existing
        } else {
            logger.notice("the projection has changed: building its store from the log")
            try ProjectedStore.remove(path)
            store = try openStore(path, log: log)!  // A new store has the version it is made with.
        }
        let model = try await store.read { db in
            var model = P.Model()
            try model.load(db)
            return model
        }
        return (model, store)
    }

    private static func openStore(_ path: String, log: EventID) throws -> ProjectedStore? {
        try ProjectedStore.open(
            path, version: P.version, log: log, create: { try P.Model.createTables($0) })
    }

    /// Follows the log until cancelled.
    func run() async throws {
        defer { stop() }
        let subscription = try await client.subscribe(P.Event.query, after: through)
        while true {
            let batch = try await subscription.next()
            if !batch.events.isEmpty {
                try Self.project(batch.events, onto: &model)
                try await commit(through: batch.through)
            }
            advance(to: batch.through)
        }
    }

    private static func project(
        _ records: some Sequence<RecordedEvent>, onto model: inout P.Model
    ) throws {
        for record in records {
            guard let event = try Recorded<P.Event>(record) else { continue }
            P.project(event, onto: &model)
        }
    }

    private func commit(through position: UInt64) async throws {
        isCommitting = true
        defer { isCommitting = false }
        try await store.commit(model.takeWrites(), checkpoint: position)
    }

    /// Who waits for a position is told that it will not come.
    private func stop() {
        hasStopped = true
        for waiter in waiters { waiter.continuation.resume(throwing: CancellationError()) }
        waiters = []
    }

    private func advance(to position: UInt64) {
        through = position
        waiters.removeAll { waiter in
            guard waiter.position <= position else { return false }
            waiter.continuation.resume()
            return true
        }
    }

    // MARK: Queries

    /// Answers from memory, once every event up to `position` is in the model.
    public func read<Answer>(
        atLeast position: UInt64 = 0, _ body: (P.Model) throws -> sending Answer
    ) async throws -> sending Answer {
        try await caughtUp(to: position)
        return try body(model)
    }

    /// Answers from disk, for what is not kept in memory.
    public func readStore<Answer: Sendable>(
        atLeast position: UInt64 = 0,
        _ body: @escaping ProjectedStore.Reading<Answer>
    ) async throws -> Answer {
        try await caughtUp(to: position)
        return try await store.read(body)
    }

    private func caughtUp(to position: UInt64) async throws {
        guard position > through else { return }
        guard !hasStopped else { throw CancellationError() }
        try await withCheckedThrowingContinuation { waiters.append((position, $0)) }
    }

    // MARK: Rebuild

    /// Builds model and store again from the log alone, while the old ones serve, then switches.
    public func rebuildFromLog() async throws {
        guard rebuild == nil else { throw Refusal(description: "a rebuild is under way") }
        rebuild = RebuildProgress(position: 0, target: through)
        defer { rebuild = nil }
        let path = store.path + ".rebuild"
        try ProjectedStore.remove(path)
        // A store that was just removed is made anew, in this version.
        let fresh = try Self.openStore(path, log: log)!
        var built = P.Model()
        var position: UInt64 = 0
        while position < through || isCommitting {
            let target = through
            (built, position) = try await extend(built, in: fresh, from: position, to: target)
        }
        try switchOver(to: built, fresh)
    }

    /// `built` with the events behind `position` up to `target`.
    private func extend(
        _ built: P.Model, in fresh: ProjectedStore, from position: UInt64, to target: UInt64
    ) async throws -> (P.Model, UInt64) {
        guard position < target else {
            await Task.yield()
            return (built, position)
        }
        var built = built
        let request = ReadRequest(P.Event.query, from: position + 1, to: target)
        try await client.read(request) { records in
            var last = position
            for record in records { last = record.position }
            try Self.project(records, onto: &built)
            try await fresh.commit(built.takeWrites(), checkpoint: last)
            rebuild = RebuildProgress(position: last, target: max(target, through))
        }
        try await fresh.commit(built.takeWrites(), checkpoint: target)
        return (built, target)
    }

    private func switchOver(to built: P.Model, _ fresh: ProjectedStore) throws {
        let path = store.path
        try fresh.close()
        try store.close()
        try ProjectedStore.replace(path, with: fresh.path)
        // The file that was just put there has this version.
        store = try Self.openStore(path, log: log)!
        model = built
    }

    // MARK: Status

    func status() -> ProjectionStatus {
        ProjectionStatus(checkpoint: through, store: store.path, rebuild: rebuild)
    }

    func close() throws { try store.close() }
}

/// How far a rebuild has come.
public struct RebuildProgress: Codable, Hashable, Sendable {
    public var position: UInt64
    public var target: UInt64
}

/// How far a projection has come.
public struct ProjectionStatus: Codable, Hashable, Sendable {
    public var checkpoint: UInt64
    public var store: String
    public var rebuild: RebuildProgress?
}
