import EventSourcing
import Foundation
import GRDB
import JSON
import Logging
import Synchronization

/// The state of an aggregate behind one of its events.
struct Snapshot<State: Sendable>: Sendable {
    var state: State
    /// Of that event.
    var revision: UInt64
    var position: UInt64
    var event: EventID
}

/// States of a service's aggregates, one of each at most, kept so that a long stream need not be
/// read from its beginning.
///
/// They are a shortcut and no more: whoever uses one has looked that its event is in the log, and
/// what can't be read or written costs time alone. The file may be removed whenever nobody uses it.
/// A damaged file is removed, and the next process creates a new one.
public struct SnapshotStore: Sendable {
    private final class Damage: Sendable {
        let isFound = Mutex(false)
    }

    private let store: ProjectedStore
    private let logger: Logger
    private let damage = Damage()

    /// Opens the file at `path`; one of another log, or of another shape, is made anew.
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
        // One that was just removed is made in this version.
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

    /// The snapshot of the aggregate in `stream`, if there is one of the state's version.
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

    /// Keeps the snapshot in the place of an older one.
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
            complain("a snapshot can't be kept", of: stream, error)
        }
    }

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
                "snapshots are damaged and were removed; the next start makes a new file",
                metadata: ["reason": "\(error)"])
        } catch {
            logger.warning("damaged snapshots can't be removed", metadata: ["reason": "\(error)"])
        }
        return true
    }

    /// How many there are; nil if that can't be read.
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
