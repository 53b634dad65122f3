import EventSourcing
import EventStoreClient
import Foundation
import GRDB
package import WireProtocol

/// A store that `rebuild --into` wrote, read without the service or the event store.
package struct StoreFile<S: Service>: Sendable {
    private typealias Model = ProjectedModel<S.ReadProjection>

    private let path: String
    private let database: DatabaseQueue

    /// Opens the file at `path` for reading.
    ///
    /// - Throws: `invalid` if the file is missing, or is not a store of this service in this
    ///   executable's version.
    package init(_ path: String) throws {
        self.path = path
        try require(
            FileManager.default.fileExists(atPath: path), .invalid,
            "there is no store \(path)")
        var configuration = Configuration()
        configuration.readonly = true
        database = try Self.reading(path) {
            let database = try DatabaseQueue(path: path, configuration: configuration)
            let (version, tables) = try database.read { db in
                (try Int.fetchOne(db, sql: "SELECT version FROM daybook"), try Self.tables(db))
            }
            // A store of another version has at least some of the tables. It gets the clearer error
            // below.
            try require(
                !tables.isDisjoint(with: Self.tables()), .invalid,
                "\(path) is a store of another service, not of \(S.name)")
            try require(
                version == Model.storeVersion, .invalid,
                "\(path) has version \(version ?? 0), but \(S.name) "
                    + "reads version \(Model.storeVersion); build a new file with: "
                    + "\(S.name) rebuild --into FILE")
            return database
        }
    }

    /// Answers the query from the file, with the marks of the answer.
    ///
    /// - Throws: `rejected` if the query rejects its argument, `unreadable` if the entity has
    ///   stopped, `invalid` if the file can't be read.
    package func answer<Argument, Answer>(
        _ query: ServiceQuery<S, Argument, Answer>, _ argument: Argument
    ) throws -> Marked<Answer> {
        try Self.reading(path) {
            try database.read { db in
                switch query.source {
                case .disk(let answer):
                    let model = try Model.loadWithoutTables(db)
                    let marks = try query.check(argument, in: model)
                    return Marked(try answer(db, argument), marks)
                case .memory(let answer):
                    let model = try Model.load(db)
                    let marks = try query.check(argument, in: model)
                    return Marked(try answer(model, argument), marks)
                }
            }
        }
    }

    /// Returns the names of the tables in a store of the service.
    private static func tables() throws -> Set<String> {
        try DatabaseQueue().write { db in
            try S.ReadProjection.Model.createTables(db)
            return try tables(db)
        }
    }

    private static func tables(_ db: Database) throws -> Set<String> {
        try String.fetchSet(db, sql: "SELECT name FROM sqlite_master WHERE type = 'table'")
    }

    /// Returns the result of `body`, which reads the file at `path`.
    ///
    /// - Throws: `invalid` if the file can't be read.
    private static func reading<Value>(_ path: String, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch  where error is DatabaseError || StoreFailure.isDamage(error) {
            let reason = (error as? DatabaseError)?.message ?? "\(error)"
            throw DaybookError(.invalid, "\(path) is not a store of \(S.name): \(reason)")
        }
    }
}
