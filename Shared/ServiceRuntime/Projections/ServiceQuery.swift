import CallServer
public import EventSourcing
import EventStoreClient
public import GRDB
import JSON
import WireProtocol

/// A query of a service's read model.
///
/// One definition serves the live, a past and a hypothetical read model, and a store in a file.
public struct ServiceQuery<
    S: Service, Argument: Codable & Sendable, Answer: Codable & Sendable
>: Sendable {
    /// The read model of the service.
    public typealias Model = S.Shown.Model

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

/// A query that a service answers, with any argument and answer.
public protocol AnsweredQuery<S>: Sendable {
    /// The service that answers.
    associatedtype S: Service

    /// Makes the service's process answer the query.
    func register(with host: ServiceHost<S>) async
}

extension ServiceQuery: AnsweredQuery {
    /// Makes the service's process answer from its live read model, or from the log for past and
    /// hypothetical states.
    public func register(with host: ServiceHost<S>) async {
        let (past, readModel) = (host.past, host.readModel)
        await host.server.handle(name) { data, caller in
            try caller.checkRead(S.Shown.query)
            let request = try JSON.argument(QueryRequest<Argument>.self, data)
            let answer: any Encodable =
                if let event = request.without {
                    try await past.hypothetical(
                        self, request.query, without: .id(event), asOf: request.asOf)
                } else if let moment = request.asOf {
                    try await past.answer(self, request.query, asOf: moment)
                } else {
                    try await readModel.answer(
                        self, request.query, atLeast: try request.position())
                }
            return try JSON.data(answer)
        }
    }
}

extension LiveReadModel {
    /// Answers from the live read model once it contains every event up to `position`.
    func answer<S, Argument, Answer>(
        _ query: ServiceQuery<S, Argument, Answer>, _ argument: Argument,
        atLeast position: UInt64 = 0
    ) async throws -> Answer where S.Shown == P {
        switch query.source {
        case .memory(let answer):
            try await read(atLeast: position) { try answer($0, argument) }
        case .disk(let answer):
            try await readStore(atLeast: position) { try answer($0, argument) }
        }
    }
}
