package import EventSourcing
package import EventStoreClient
import Foundation
import WireProtocol

/// A model and its store that are built from the log alone, beside those that serve.
///
/// Each commit has the position up to which the log is in it: what a killed process has left is
/// gone on with.
package struct Rebuilding<P: Projection>: Sendable where P.Model: StoredModel {
    /// What a killed process has done since its last commit is done again.
    private static var commitInterval: Duration { .seconds(1) }

    package private(set) var model: P.Model
    let store: ProjectedStore
    /// Every event up to here is in the model.
    package private(set) var position: UInt64
    /// How many events were worked in by this process.
    package private(set) var events = 0

    /// Whether there is one at `path` that was begun and not ended.
    static func isBegun(at path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    /// Goes on with what is at `path`, unless that is of another version or another log, or has
    /// come beyond `end`; then begins anew.
    package init(at path: String, log: EventID, notBeyond end: UInt64 = .max) async throws {
        store = try Self.begun(path, log: log, notBeyond: end) ?? Self.new(path, log: log)
        model = try await store.load(P.Model.self)
        position = store.checkpoint
    }

    private static func begun(
        _ path: String, log: EventID, notBeyond end: UInt64
    ) throws -> ProjectedStore? {
        guard isBegun(at: path) else { return nil }
        do {
            guard let store = try P.openStore(path, log: log) else { return nil }
            if store.checkpoint <= end { return store }
            try store.close()
        } catch let error as DaybookError where error.kind == .damaged {
            // Of another log: of no use here.
        }
        return nil
    }

    private static func new(_ path: String, log: EventID) throws -> ProjectedStore {
        try ProjectedStore.remove(path)
        // A store that was just removed is made anew, in this version.
        return try P.openStore(path, log: log)!
    }

    /// Goes on up to `target`; `progress` is told after each chunk of the log.
    package mutating func extend(
        to target: UInt64, from client: EventStoreClient, _ progress: (Self) -> Void
    ) async throws {
        guard position < target else { return }
        let request = ReadRequest(P.query, from: position + 1, to: target)
        var committed = ContinuousClock.now
        for try await batch in client.read(request) {
            try P.project(batch.events, onto: &model)
            position = batch.through
            events += batch.events.count
            // A row that many events have changed since the last commit is written once.
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

    /// Closes it and makes it the one file at `path`.
    package func finish(as path: String) throws {
        try store.close()
        try ProjectedStore.seal(store.path)
        try ProjectedStore.replace(path, with: store.path)
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
struct ProjectionStopped: ClassifiedError {
    let position: UInt64
    let reason: any Error

    var kind: DaybookError.Kind { .unreadable }

    var description: String { "the projection has stopped at position \(position): \(reason)" }
}
