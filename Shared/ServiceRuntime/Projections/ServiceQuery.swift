public import EventSourcing
import EventStoreClient
public import GRDB

/// A query of a service's read model.
///
/// One definition serves the live, a past and a hypothetical read model, and a store in a file.
public struct ServiceQuery<
    Service: NamedService, Argument: Codable & Sendable, Answer: Codable & Sendable
>: Sendable {
    /// The read model of the service.
    public typealias Model = Service.Shown.Model

    enum Source: Sendable {
        case memory(@Sendable (Model, Argument) throws -> Answer)
        case disk(@Sendable (Database, Argument) throws -> Answer)
    }

    /// The name of the call.
    public let name: String
    let scope: @Sendable (Argument) throws -> EventQuery
    let source: Source

    /// Creates a query that the model in memory answers.
    ///
    /// - Parameter scope: returns the query for the events of the requested entity, of any type.
    ///   The answer must depend on no other events. The default is all events.
    public init(
        _ name: String,
        of scope: @escaping @Sendable (Argument) throws -> EventQuery = { _ in .all },
        fromMemory answer: @escaping @Sendable (Model, Argument) throws -> Answer
    ) {
        self.name = name
        self.scope = scope
        source = .memory(answer)
    }

    /// Creates a query that the tables on disk answer, for rows that are not kept in memory.
    ///
    /// - Parameter scope: returns the query for the events of the requested entity, of any type.
    ///   The answer must depend on no other events. The default is all events.
    public init(
        _ name: String,
        of scope: @escaping @Sendable (Argument) throws -> EventQuery = { _ in .all },
        fromDisk answer: @escaping @Sendable (Database, Argument) throws -> Answer
    ) {
        self.name = name
        self.scope = scope
        source = .disk(answer)
    }
}

extension LiveReadModel {
    /// Answers from the live read model once it contains every event up to `position`.
    func answer<Service, Argument, Answer>(
        _ query: ServiceQuery<Service, Argument, Answer>, _ argument: Argument,
        atLeast position: UInt64 = 0
    ) async throws -> Answer where Service.Shown == P {
        switch query.source {
        case .memory(let answer):
            try await read(atLeast: position) { try answer($0, argument) }
        case .disk(let answer):
            try await readStore(atLeast: position) { try answer($0, argument) }
        }
    }
}
