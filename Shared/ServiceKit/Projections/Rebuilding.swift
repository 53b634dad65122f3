import EventSourcing
import EventStoreClient
import WireProtocol

/// A model and its store that are built from the log alone, beside those that serve.
struct Rebuilding<P: Projection> where P.Model: StoredModel {
    private(set) var model = P.Model()
    let store: ProjectedStore
    /// Every event up to here is in the model.
    private(set) var position: UInt64 = 0
    private(set) var events = 0

    init(at path: String, log: EventID) throws {
        try ProjectedStore.remove(path)
        // A store that was just removed is made anew, in this version.
        store = try P.openStore(path, log: log)!
    }

    /// Goes on up to `target`; `progress` is told after each chunk of the log.
    mutating func extend(
        to target: UInt64, from client: EventStoreClient, _ progress: (Self) -> Void
    ) async throws {
        guard position < target else { return }
        let request = ReadRequest(P.query, from: position + 1, to: target)
        for try await batch in client.read(request) {
            try P.project(batch.events, onto: &model)
            try await store.commit(model.takeWrites(), checkpoint: batch.through)
            position = batch.through
            events += batch.events.count
            progress(self)
        }
    }

    /// Closes and removes what was built so far.
    func abandon() throws {
        try store.close()
        try ProjectedStore.remove(store.path)
    }
}

extension Projection where Model: StoredModel {
    /// The store at `path`; nil if it is of another version.
    static func openStore(_ path: String, log: EventID) throws -> ProjectedStore? {
        try ProjectedStore.open(
            path, version: version, log: log, create: { try Model.createTables($0) })
    }

    /// - Throws: `ProjectionStopped`; events are in the model then up to the one that it names.
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

/// An event that a projection can't take in. It goes no further, for what it would show then is
/// wrong.
struct ProjectionStopped: Error, CustomStringConvertible {
    let position: UInt64
    let reason: any Error

    var description: String { "the projection has stopped at position \(position): \(reason)" }
}
