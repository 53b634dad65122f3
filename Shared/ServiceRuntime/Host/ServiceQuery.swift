import CallServer
public import EventSourcing
import EventStoreClient
import Foundation
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
    public typealias Model = ProjectedModel<S.ReadProjection>

    /// The part of the read model that answers.
    public enum Source: Sendable {
        /// The model in memory.
        case memory(@Sendable (Model, Argument) throws -> Answer)
        /// The tables on disk, for rows that are not kept in memory.
        case disk(@Sendable (Database, Argument) throws -> Answer)
    }

    /// The name of the call.
    public let name: String
    let scope: @Sendable (Argument) throws -> EventQuery
    let source: Source

    /// Creates a query.
    ///
    /// - Parameter scope: returns the query for the events of the requested entity, of any type.
    ///   The answer must depend on no other events. The default is all events.
    public init(
        _ name: String,
        of scope: @escaping @Sendable (Argument) throws -> EventQuery = { _ in .all },
        from source: Source
    ) {
        self.name = name
        self.scope = scope
        self.source = source
    }

    /// Creates a query for an entity by its id, which a table in memory answers.
    ///
    /// - Parameters:
    ///   - scope: as for any query. The default is the entity's own stream.
    ///   - rejection: returns the reason of the rejection if the table lacks the id.
    public init(
        _ name: String,
        of scope: @escaping @Sendable (String) throws -> EventQuery = {
            .stream(try StreamName(category: S.Subject.category, id: $0))
        },
        in table: any KeyPath<S.ReadProjection.Model, EventSourcing.Table<Answer>> & Sendable,
        orReject rejection: @escaping @Sendable (_ id: String) -> String
    ) where Argument == String, Answer: Identifiable, Answer.ID == String {
        self.init(
            name, of: scope,
            from: .memory { model, id in
                try model.tables[keyPath: table][id].orThrow(.rejected, rejection(id))
            })
    }

    /// Returns the marks of an answer from the model.
    ///
    /// - Throws: `unreadable` if an entity that the query asks for has stopped.
    func check(_ argument: Argument, in model: Model) throws -> AnswerMarks? {
        if model.stopped.count > 0 { try model.stopped.check(entities(argument)) }
        return try marks(argument, in: model)
    }

    /// Returns the marks of an answer that has events up to `position`.
    func marks(
        _ argument: Argument, in model: Model, through position: UInt64 = .max
    ) throws -> AnswerMarks? {
        try model.marks(of: { try entities(argument) }, through: position)
    }

    private func entities(_ argument: Argument) throws -> [String] {
        S.ReadProjection.entities(of: try scope(argument))
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
        let (past, queries, readModel) = (host.past, host.pastQueries, host.readModel)
        let turns = host.server.turns
        await host.server.handleMarked(name) { data, caller in
            try caller.checkRead(S.ReadProjection.query)
            let request = try JSON.argument(QueryRequest<Argument>.self, data)
            guard request.asOf != nil || request.without != nil else {
                let marked = try await request.waiting(on: readModel.loop) { position in
                    try await readModel.wait(for: position)
                    return try await current(request.query, in: readModel, turns)
                }
                return Marked(marked.answer, request.marks == true ? marked.marks : nil)
            }
            let answer = try await queries.answer(
                name, data, id: request.id, of: caller, within: request.timeout
            ) {
                if let event = request.without {
                    return try JSON.data(
                        await past.hypothetical(
                            self, request.query, without: event, asOf: request.asOf))
                }
                return try JSON.data(await past.answer(self, request.query, asOf: request.asOf))
            }
            guard request.marks == true else { return Marked(answer, nil) }
            // A past answer is folded from the events of its entities only. The live model knows
            // the others, too.
            let known = try await readModel.read { try marks(request.query, in: $0) }
            guard known != nil else { return Marked(answer, nil) }
            let end = try await past.client.position(of: request.asOf)
            return Marked(
                answer,
                try await readModel.read { try marks(request.query, in: $0, through: end) })
        }
    }

    /// Returns the current answer as JSON. Lists may be long, so clients take turns at them.
    private func current(
        _ argument: Argument, in readModel: LiveReadModel<S.ReadProjection>, _ turns: FairTurns
    ) async throws -> Marked<Data> {
        let answer = { @Sendable in
            let marked = try await readModel.answer(self, argument)
            return Marked(try await encode(marked.answer), marked.marks)
        }
        return Answer.self is any JSONList.Type ? try await turns.run(answer) : try await answer()
    }

    private func encode(_ answer: Answer) async throws -> Data {
        guard let list = answer as? any JSONList else { return try JSON.data(answer) }
        return try await list.pausingData()
    }
}

/// A list that can be encoded in parts.
private protocol JSONList {
    func pausingData() async throws -> Data
}

extension Array: JSONList where Element: Encodable {
    fileprivate func pausingData() async throws -> Data { try await JSON.data(pausing: self) }
}

extension LiveReadModel {
    /// Answers from the live read model, with the marks of the answer.
    func answer<S, Argument, Answer>(
        _ query: ServiceQuery<S, Argument, Answer>, _ argument: Argument
    ) async throws -> Marked<Answer> where S.ReadProjection == P {
        switch query.source {
        case .memory(let answer):
            return try await read {
                let marks = try query.check(argument, in: $0)
                return Marked(try answer($0, argument), marks)
            }
        case .disk(let answer):
            let marks = try await read { try query.check(argument, in: $0) }
            return Marked(try await readStore { try answer($0, argument) }, marks)
        }
    }
}
