import EventSourcing
import EventStoreClient
import Foundation
import GRDB

/// A store that `rebuild --into` wrote, read without the service or the event store.
package struct StoreFile<S: Service>: Sendable {
    private let path: String
    private let database: DatabaseQueue

    /// Opens the file at `path` for reading.
    ///
    /// - Throws: `invalid` if the file is missing, or is not a store of this service in this
    ///   executable's version.
    package init(_ path: String) throws {
        self.path = path
        guard FileManager.default.fileExists(atPath: path) else {
            throw DaybookError(.invalid, "there is no store \(path)")
        }
        var configuration = Configuration()
        configuration.readonly = true
        do {
            database = try DatabaseQueue(path: path, configuration: configuration)
            let (version, tables) = try database.read { db in
                (try Int.fetchOne(db, sql: "SELECT version FROM daybook"), try Self.tables(db))
            }
            // A store of another version has at least some of the tables. It gets the clearer error
            // below.
            guard try !tables.isDisjoint(with: Self.tables()) else {
                throw DaybookError(
                    .invalid,
                    "\(path) is a store of another service, not of \(S.name)")
            }
            guard version == S.Shown.version else {
                throw DaybookError(
                    .invalid,
                    "\(path) has version \(version ?? 0), but \(S.name) "
                        + "reads version \(S.Shown.version); build a new file with: "
                        + "\(S.name) rebuild --into FILE")
            }
        } catch  where Self.isUnusable(error) {
            throw Self.unusable(path, error)
        }
    }

    /// Answers the query from the file.
    ///
    /// - Throws: `rejected` if the query rejects its argument, `invalid` if the file can't be read.
    package func answer<Argument, Answer>(
        _ query: ServiceQuery<S, Argument, Answer>, _ argument: Argument
    ) throws -> Answer {
        do {
            return try database.read { db in
                switch query.source {
                case .disk(let answer):
                    return try answer(db, argument)
                case .memory(let answer):
                    var model = S.Shown.Model()
                    try model.load(db)
                    return try answer(model, argument)
                }
            }
        } catch  where Self.isUnusable(error) {
            throw Self.unusable(path, error)
        }
    }

    /// Returns the names of the tables in a store of the service.
    private static func tables() throws -> Set<String> {
        try DatabaseQueue().write { db in
            try S.Shown.Model.createTables(db)
            return try tables(db)
        }
    }

    private static func tables(_ db: Database) throws -> Set<String> {
        try String.fetchSet(db, sql: "SELECT name FROM sqlite_master WHERE type = 'table'")
    }

    private static func isUnusable(_ error: any Error) -> Bool {
        error is DatabaseError || StoreFailure.isDamage(error)
    }

    private static func unusable(_ path: String, _ error: any Error) -> DaybookError {
        let reason = (error as? DatabaseError)?.message ?? "\(error)"
        return DaybookError(
            .invalid, "\(path) is not a store of \(S.name): \(reason)")
    }
}
