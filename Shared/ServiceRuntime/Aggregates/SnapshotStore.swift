import EventSourcing
import Foundation
import GRDB
import JSON
import Logging
import Synchronization

/// The state of an aggregate after one of its events.
struct Snapshot<State: Sendable>: Sendable {
    var state: State
    /// The revision of that event.
    var revision: UInt64
    /// The position of that event.
    var position: UInt64
    /// The id of that event.
    var event: EventID
}

/// The latest snapshots of a service's aggregates, which save reading long streams from the start.
///
/// The file is only a cache. The repository checks that a snapshot's event is in the log before it
/// uses the snapshot, and a failed read or write only costs time. The file may be removed while no
/// process uses it. The store removes a damaged file, and the next process creates a new one.
///
/// Its checkpoint is the position of the last amendment whose stream it has forgotten.
final class SnapshotStore: Sendable {
    private let store: ProjectedStore
    private let logger: Logger
    /// Whether the file is damaged, or has a snapshot that could not be removed. It is not used.
    private let isUnusable = Mutex(false)

    /// Opens the file at `path`. Replaces a damaged file and one of another log or version.
    init(path: String, log: EventID, logger: Logger) throws {
        self.logger = logger
        store = try ProjectedStore.openOrReplace(path, version: 1, log: log) { db in
            try db.create(table: "snapshot") { table in
                table.primaryKey("stream", .text)
                table.required(.integer, "version", "revision", "position")
                table.required(.text, "event")
                table.required(.jsonText, "state")
            }
        }
    }

    private struct Row: Codable, FetchableRecord, TableRecord {
        static let databaseTableName = "snapshot"
        var stream: String
        var version: Int
        var revision: UInt64
        var position: UInt64
        var event: String
        var state: String
    }

    /// Returns the snapshot of the aggregate in `stream`, or nil if it is missing or of another
    /// state version.
    func snapshot<Subject: Aggregate>(
        of stream: StreamName, _ subject: Subject.Type
    ) async -> Snapshot<Subject.State>? {
        let key = stream.description
        return await attempt("a snapshot can't be read", of: stream) {
            guard let row = try await store.read({ try Row.fetchOne($0, key: key) }),
                row.version == Subject.stateVersion, let event = EventID(row.event)
            else { return nil }
            return Snapshot(
                state: try JSON.decode(Subject.State.self, from: row.state.utf8),
                revision: row.revision, position: row.position, event: event)
        }
    }

    /// Stores the snapshot and replaces an older one.
    func keep<Subject: Aggregate>(
        _ snapshot: Snapshot<Subject.State>, of stream: StreamName, _ subject: Subject.Type
    ) async {
        await attempt("a snapshot can't be stored", of: stream) {
            let row = Row(
                stream: stream.description, version: Subject.stateVersion,
                revision: snapshot.revision, position: snapshot.position,
                event: snapshot.event.description, state: try JSON.text(snapshot.state))
            try await store.write { try $0.upsert([row]) }
        }
    }

    /// The position of the last amendment that the file reflected when it was opened.
    var checkpoint: UInt64 { store.checkpoint }

    /// Removes the snapshot of a stream with an event that was amended at `position`.
    ///
    /// If that fails, this process uses no snapshots. The next one tries again.
    func forget(_ stream: StreamName, amendedAt position: UInt64) async {
        let key = stream.description
        let isDone: Void? = await attempt("a snapshot can't be removed", of: stream) {
            try await store.commit(
                [{ _ = try Row.deleteOne($0, key: key) }], checkpoint: position)
        }
        if isDone == nil { isUnusable.withLock { $0 = true } }
    }

    /// Returns the number of snapshots, or nil if the file can't be read.
    func count() async -> Int? {
        await attempt("snapshots can't be counted") {
            try await store.read { try Row.fetchCount($0) }
        }
    }

    /// Returns the result of `body`. Returns nil after a failure, which only costs time, and when
    /// the file is damaged.
    @discardableResult
    private func attempt<Value>(
        _ problem: Logger.Message, of stream: StreamName? = nil,
        _ body: () async throws -> Value?
    ) async -> Value? {
        guard !isUnusable.withLock(\.self) else { return nil }
        do {
            return try await body()
        } catch is CancellationError {
            // The process stops.
        } catch  where DaybookError.Kind(of: error) == .damaged {
            remove(error)
        } catch {
            var metadata: Logger.Metadata = ["reason": "\(error)"]
            metadata["stream"] = stream.map { "\($0)" }
            logger.warning(problem, metadata: metadata)
        }
        return nil
    }

    /// Removes the damaged file and logs that once.
    private func remove(_ damage: any Error) {
        let wasFound = isUnusable.withLock { isUnusable in
            defer { isUnusable = true }
            return isUnusable
        }
        guard !wasFound else { return }
        do {
            try ProjectedStore.remove(store.path)
            logger.warning(
                "snapshots are damaged and were removed; the next start creates a new file",
                metadata: ["reason": "\(damage)"])
        } catch {
            logger.warning("damaged snapshots can't be removed", metadata: ["reason": "\(error)"])
        }
    }

    func close() throws {
        guard !isUnusable.withLock(\.self) else { return }
        do {
            try store.close()
        } catch  where DaybookError.Kind(of: error) == .damaged {
            remove(error)
        }
    }
}
