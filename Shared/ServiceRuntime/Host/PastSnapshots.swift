import EventSourcing
import EventStoreClient
import Foundation
import GRDB
import JSON

/// Snapshots of the past answers to one query, which save folding long histories from the start.
///
/// The file is only a cache. A reader checks that a snapshot's event is in the log before it uses
/// the snapshot, and a failed read or write only costs time. The file may be removed at any time.
///
/// An amendment changes how past events are read, so a snapshot is valid only until the next one.
struct PastSnapshots<S: Service>: Sendable {
    typealias Model = ProjectedModel<S.ReadProjection>

    /// The read model of one entity after one of its events, or without events.
    struct Snapshot: Sendable {
        var model = Model()
        /// The position of the last event in the model, or 0.
        var position: UInt64 = 0
        /// The latest time of all events in the model (`RecordedEvent.occurredAt`).
        var time = Timestamp(microseconds: 0)
        /// The id of that event.
        var event = EventID.none
    }

    private let path: String
    private let log: EventID
    /// The position of the log's last amendment, or 0.
    private let amendment: UInt64
    private let query: String
    /// The argument of the query, as JSON.
    private let argument: String

    /// - Parameters:
    ///   - folder: the service's own folder.
    ///   - amendment: the position of the log's last amendment, or 0. Read it before the events.
    init(
        in folder: String, log: EventID, amendment: UInt64, of query: String,
        _ argument: some Encodable
    ) throws {
        path = "\(folder)/past.sqlite"
        self.log = log
        self.amendment = amendment
        self.query = query
        self.argument = try JSON.text(argument)
    }

    /// Returns the last snapshot at or before `moment`, or the last of all if `moment` is nil.
    func nearest(to moment: Moment?) -> Snapshot? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        let (column, bound): (String, Int64) =
            switch moment {
            case nil: ("position", .max)
            case .position(let position): ("position", Int64(clamping: position))
            case .time(let time): ("time", time.microseconds)
            }
        return using { database in
            try database.read { db in
                let row = try Row.fetchOne(
                    db,
                    sql: """
                        SELECT model, position, time, event FROM snapshot
                        WHERE query = ? AND argument = ? AND version = ? AND log = ?
                        AND amendment = ? AND \(column) <= ? ORDER BY position DESC LIMIT 1
                        """,
                    arguments: [
                        query, argument, Model.storeVersion, log.description,
                        Int64(clamping: amendment), bound,
                    ])
                return try row.flatMap(Self.snapshot)
            }
        }
    }

    private static func snapshot(_ row: Row) throws -> Snapshot? {
        guard let event = EventID(try row.decode(String.self, forColumn: "event")) else {
            return nil
        }
        return Snapshot(
            model: try JSON.decode(Model.self, from: row.decode(Data.self, forColumn: "model")),
            position: try row.decode(forColumn: "position"),
            time: Timestamp(microseconds: try row.decode(forColumn: "time")), event: event)
    }

    /// Stores the snapshots, and removes those of another version or log, or from before the last
    /// amendment.
    func keep(_ snapshots: [Snapshot]) {
        guard !snapshots.isEmpty else { return }
        // A failed write needs no handling: the next answer takes as long as this one.
        using { database in try database.write { try write(snapshots, $0) } }
    }

    private func write(_ snapshots: [Snapshot], _ db: Database) throws {
        // Earlier versions had the table `past`, without amendments.
        try db.execute(
            sql: """
                DROP TABLE IF EXISTS past;
                CREATE TABLE IF NOT EXISTS snapshot (
                    query TEXT, argument TEXT, version INTEGER, log TEXT, amendment INTEGER,
                    position INTEGER, time INTEGER, event TEXT, model BLOB,
                    PRIMARY KEY (query, argument, position));
                """)
        // Other snapshots are useless. A slower query may store some from before the amendment.
        try db.execute(
            sql: "DELETE FROM snapshot WHERE version <> ? OR log <> ? OR amendment <> ?",
            arguments: [Model.storeVersion, log.description, Int64(clamping: amendment)])
        for snapshot in snapshots {
            try db.execute(
                sql: "INSERT OR REPLACE INTO snapshot VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                arguments: [
                    query, argument, Model.storeVersion, log.description,
                    Int64(clamping: amendment), Int64(clamping: snapshot.position),
                    snapshot.time.microseconds, snapshot.event.description,
                    try JSON.data(snapshot.model),
                ])
        }
    }

    /// Runs `body` on the file. Returns nil if the file can't be used, which only costs time.
    /// Removes a damaged file, and the next answer creates a new one.
    @discardableResult
    private func using<Value>(_ body: (DatabaseQueue) throws -> Value?) -> Value? {
        do {
            return try body(DatabaseQueue(path: path))
        } catch {
            if StoreFailure.isDamage(error) { try? ProjectedStore.remove(path) }
            return nil
        }
    }
}
