import EventSourcing
import EventStoreClient
import Foundation
import GRDB

/// A service's store in a file, read without the service.
package struct StoreFile<Service: NamedService>: Sendable {
    private let path: String
    private let database: DatabaseQueue

    /// - Throws: `DaybookError` if there is no such file, or if it is not a store of the service in the
    ///   version of this executable.
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
            // Of another version it has some of them at least.
            guard try !tables.isDisjoint(with: Self.tables()) else {
                throw DaybookError(.invalid, "\(path) is a store, but none of \(Service.serviceName)")
            }
            guard version == Service.Shown.version else {
                throw DaybookError(
                    .invalid, "\(path) is of version \(version ?? 0), but \(Service.serviceName) reads "
                        + "version \(Service.Shown.version)")
            }
        } catch  where Self.isUnusable(error) {
            throw Self.unusable(path, error)
        }
    }

    package func answer<Argument, Answer>(
        _ query: ServiceQuery<Service, Argument, Answer>, _ argument: Argument
    ) throws -> Answer {
        do {
            return try database.read { db in
                switch query.source {
                case .disk(let answer):
                    return try answer(db, argument)
                case .memory(let answer):
                    var model = Service.Shown.Model()
                    try model.load(db)
                    return try answer(model, argument)
                }
            }
        } catch  where Self.isUnusable(error) {
            throw Self.unusable(path, error)
        }
    }

    /// What a store of the service consists of.
    private static func tables() throws -> Set<String> {
        try DatabaseQueue().write { db in
            try Service.Shown.Model.createTables(db)
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
            .invalid, "\(path) is not a store of \(Service.serviceName): \(reason)")
    }
}
