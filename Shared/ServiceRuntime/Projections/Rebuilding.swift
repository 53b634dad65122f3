package import EventSourcing
package import EventStoreClient
import WireProtocol

/// A read model and its store that are built from the log alone, beside the live ones.
///
/// Each commit contains its checkpoint, so a later process resumes a rebuild after a crash.
package struct Rebuilding<P: Projection>: Sendable where P.Model: StoredModel {
    /// How often the rebuild commits. A crash loses the work since the last commit.
    private static var commitInterval: Duration { .seconds(1) }

    /// The model with every event up to `position`.
    package private(set) var model: P.Model
    let store: ProjectedStore
    /// The position up to which the model contains every event.
    package private(set) var position: UInt64
    /// How many events this process has added to the model.
    package private(set) var events = 0

    /// Resumes the rebuild at `path`. Starts from the beginning if the file is missing or damaged,
    /// has another version or log, or is already beyond `end`.
    package init(at path: String, log: EventID, notBeyond end: UInt64 = .max) async throws {
        store = try ProjectedStore.openOrReplace(
            path, version: P.version, log: log, create: P.Model.createTables
        ) { $0.checkpoint <= end }
        model = try await store.read(P.Model.load)
        position = store.checkpoint
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
            try P.project(batch.events, onto: &model)
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
            path, version: version, log: log, create: Model.createTables)
    }

    /// Adds the events in `records` to the model.
    ///
    /// - Throws: `ProjectionStopped` at the first unreadable record. The model then contains the
    ///   events before it.
    static func project(
        _ records: [RecordedEvent], onto model: inout Model
    ) throws(ProjectionStopped) {
        for record in records {
            do {
                for event in try Recorded<Event>.events(in: record, by: Self.self) {
                    project(event, onto: &model)
                }
            } catch {
                throw ProjectionStopped(position: record.position, reason: error)
            }
        }
    }
}

/// The error of a projection that met an unreadable event.
///
/// The projection stops there, because its model would be wrong without the event.
struct ProjectionStopped: ClassifiedError {
    let position: UInt64
    let reason: any Error

    var kind: DaybookError.Kind { .unreadable }

    var description: String { "the projection has stopped at position \(position): \(reason)" }
}
