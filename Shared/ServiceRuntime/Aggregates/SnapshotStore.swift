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
public struct SnapshotStore: Sendable {
    /// Whether damage was found, shared by all copies of the store.
    private final class Damage: Sendable {
        let isFound = Mutex(false)
    }

    private let store: ProjectedStore
    private let logger: Logger
    private let damage = Damage()

    /// Opens the file at `path`. Replaces a file of another log or another version.
    init(path: String, log: EventID, logger: Logger) throws {
        self.logger = logger
        store = try Self.existing(path, log: log) ?? Self.new(path, log: log)
    }

    private static func existing(_ path: String, log: EventID) throws -> ProjectedStore? {
        do {
            return try open(path, log: log)
        } catch let error as DaybookError where error.kind == .damaged {
            return nil
        }
    }

    private static func new(_ path: String, log: EventID) throws -> ProjectedStore {
        try ProjectedStore.remove(path)
        // The file was just removed, so this creates one of the current version.
        return try open(path, log: log)!
    }

    private static func open(_ path: String, log: EventID) throws -> ProjectedStore? {
        try ProjectedStore.open(path, version: 1, log: log) { db in
            try db.create(table: "snapshot") { table in
                table.primaryKey("stream", .text)
                table.column("version", .integer).notNull()
                table.column("revision", .integer).notNull()
                table.column("position", .integer).notNull()
                table.column("event", .text).notNull()
                table.column("state", .jsonText).notNull()
            }
        }
    }

    private struct Row: Codable, FetchableRecord, PersistableRecord {
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
        guard !isDamaged else { return nil }
        do {
            guard let row = try await store.read({ try Row.fetchOne($0, key: key) }),
                row.version == Subject.stateVersion, let event = EventID(row.event)
            else { return nil }
            return Snapshot(
                state: try JSON.decode(Subject.State.self, from: row.state.utf8),
                revision: row.revision, position: row.position, event: event)
        } catch {
            complain("a snapshot can't be read", of: stream, error)
            return nil
        }
    }

    /// Stores the snapshot and replaces an older one.
    func keep<Subject: Aggregate>(
        _ snapshot: Snapshot<Subject.State>, of stream: StreamName, _ subject: Subject.Type
    ) async {
        guard !isDamaged else { return }
        do {
            let state = try JSON.data(snapshot.state)
            let row = Row(
                stream: stream.description, version: Subject.stateVersion,
                revision: snapshot.revision, position: snapshot.position,
                event: snapshot.event.description, state: String(decoding: state, as: UTF8.self))
            try await store.commit([{ try row.upsert($0) }], checkpoint: 0)
        } catch {
            complain("a snapshot can't be stored", of: stream, error)
        }
    }

    /// Logs a failed read or write, except for a cancellation or damage that is logged elsewhere.
    private func complain(_ what: Logger.Message, of stream: StreamName, _ error: any Error) {
        guard !(error is CancellationError), !giveUp(on: error) else { return }
        logger.warning(what, metadata: ["stream": "\(stream)", "reason": "\(error)"])
    }

    private var isDamaged: Bool { damage.isFound.withLock(\.self) }

    /// Removes a damaged file and logs that once. Returns false if the error is not about damage.
    private func giveUp(on error: any Error) -> Bool {
        guard DaybookError.Kind(of: error) == .damaged else { return false }
        let isFirst = damage.isFound.withLock { isFound in
            defer { isFound = true }
            return !isFound
        }
        guard isFirst else { return true }
        do {
            try ProjectedStore.remove(store.path)
            logger.warning(
                "snapshots are damaged and were removed; the next start creates a new file",
                metadata: ["reason": "\(error)"])
        } catch {
            logger.warning("damaged snapshots can't be removed", metadata: ["reason": "\(error)"])
        }
        return true
    }

    /// Returns the number of snapshots, or nil if the file can't be read.
    func count() async -> Int? {
        guard !isDamaged else { return nil }
        do {
            return try await store.read { try Row.fetchCount($0) }
        } catch {
            if giveUp(on: error) { return nil }
            logger.warning("snapshots can't be counted", metadata: ["reason": "\(error)"])
            return nil
        }
    }

    func close() throws {
        guard !isDamaged else { return }
        do { try store.close() } catch  where giveUp(on: error) {}
    }
}
