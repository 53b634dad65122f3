package import EventSourcing
package import EventStoreClient
import GRDB
package import WireProtocol

/// A read model and its store that are built from the log alone, beside the live ones.
///
/// Each commit contains its checkpoint, so a later process resumes a rebuild after a crash.
package struct Rebuilding<P: Projection>: Sendable where P.Model: StoredModel {
    /// How often the rebuild commits. A crash loses the work since the last commit.
    private static var commitInterval: Duration { .seconds(1) }

    /// The model with every event up to `position`.
    package private(set) var model: ProjectedModel<P>
    let store: ProjectedStore
    /// The position up to which the model contains every event.
    package private(set) var position: UInt64
    /// How many events this process has added to the model.
    package private(set) var events = 0

    /// The head of the log when the rebuild began or resumed. The model has all amendments up to
    /// there.
    let head: UInt64

    /// Resumes the rebuild at `path`. Starts from the beginning if the file is missing or damaged,
    /// has another version or log, is already beyond `end`, or was begun before an event was
    /// amended last.
    package init(
        at path: String, log: EventID, from client: EventStoreClient, notBeyond end: UInt64 = .max
    ) async throws {
        let head = try await client.welcome().head
        // A file that was begun before an amendment may have the event as it was read then.
        let lastAmendment = try await Amendments.last(client) ?? .max
        func open() throws -> ProjectedStore {
            try ProjectedStore.openOrReplace(
                path, version: ProjectedModel<P>.storeVersion, log: log,
                create: { try Self.createTables($0, head: head) },
                where: { $0.checkpoint <= end })
        }
        var store = try open()
        if store.checkpoint > 0, try await store.read(Self.beginning) < lastAmendment {
            try store.close()
            try ProjectedStore.remove(path)
            store = try open()
        }
        self.store = store
        self.head = head
        model = try await store.read(ProjectedModel.load)
        position = store.checkpoint
    }

    private static func createTables(_ db: Database, head: UInt64) throws {
        try ProjectedModel<P>.createTables(db)
        try db.create(table: "daybook_rebuild") { $0.required(.integer, "head") }
        try db.execute(
            sql: "INSERT INTO daybook_rebuild VALUES (?)", arguments: [Int64(clamping: head)])
    }

    /// Returns the head of the log when the file was created, or 0 if it is unknown.
    private static func beginning(_ db: Database) throws -> UInt64 {
        guard try db.tableExists("daybook_rebuild") else { return 0 }
        return try UInt64.fetchOne(db, sql: "SELECT head FROM daybook_rebuild") ?? 0
    }

    /// Reads the log up to `target`, and calls `progress` after each batch of events.
    ///
    /// - Parameter moment: a time after which events are left out. Nil for none.
    package mutating func extend(
        to target: UInt64, asOf moment: Moment? = nil, from client: EventStoreClient,
        _ progress: (Self) -> Void
    ) async throws {
        guard position < target else { return }
        var request = ReadRequest(P.query, from: position + 1, to: target)
        if case .time(let time) = moment { request.before = time + .microseconds(1) }
        var committed = ContinuousClock.now
        for try await batch in client.read(request) {
            model.fold(batch.events)
            position = batch.through
            events += batch.events.count
            // Commits are rare, because a row that many events change is then written only once.
            if ContinuousClock.now - committed > Self.commitInterval {
                try await commit()
                committed = .now
            }
            progress(self)
        }
        try await commit()
    }

    /// Returns whether no event was amended since the rebuild began. Otherwise the model may have
    /// some events as they were read before, and the rebuild must begin again.
    package func isCurrent(_ client: EventStoreClient) async throws -> Bool {
        try await Amendments.last(client) ?? 0 <= head
    }

    /// What the model lacks because events can't be read, or nil if it lacks nothing.
    package var degradation: Degradation? { model.stopped.degradation }

    private mutating func commit() async throws {
        try await store.commit(model.takeWrites(), checkpoint: position)
    }

    /// Closes the store and moves it to `path`, as a single file that needs no write access.
    package func finish(as path: String) throws {
        try store.close()
        try ProjectedStore.seal(store.path)
        try ProjectedStore.replace(path, with: store.path)
    }

    /// Closes and removes the unfinished store.
    func abandon() throws {
        try store.close()
        try ProjectedStore.remove(store.path)
    }
}

extension Projection where Model: StoredModel {
    /// Opens the store at `path`, and creates it if it is missing. Returns nil if it has another
    /// version.
    static func openStore(_ path: String, log: EventID) throws -> ProjectedStore? {
        try ProjectedStore.open(
            path, version: ProjectedModel<Self>.storeVersion, log: log,
            create: ProjectedModel<Self>.createTables)
    }
}
