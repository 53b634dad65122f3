public import EventSourcing
import EventStoreClient
public import GRDB

/// What can be asked of what a service shows, said once: the live state answers it, and so does a
/// past one, a hypothetical one, and a store in a file.
public struct ServiceQuery<
    Service: NamedService, Argument: Codable & Sendable, Answer: Codable & Sendable
>: Sendable {
    public typealias Model = Service.Shown.Model

    enum Source: Sendable {
        case memory(@Sendable (Model, Argument) throws -> Answer)
        case disk(@Sendable (Database, Argument) throws -> Answer)
    }

    /// The name of its call.
    public let name: String
    let scope: @Sendable (Argument) throws -> EventQuery
    let source: Source

    /// A query that is answered from memory.
    ///
    /// - Parameter scope: the events of the entity that is asked for, of any type: the answer
    ///   depends on no others. All, if it is not given.
    public init(
        _ name: String,
        of scope: @escaping @Sendable (Argument) throws -> EventQuery = { _ in .all },
        fromMemory answer: @escaping @Sendable (Model, Argument) throws -> Answer
    ) {
        self.name = name
        self.scope = scope
        source = .memory(answer)
    }

    /// A query of what is not kept in memory.
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

extension ReadSide {
    /// Answers with the live state, once every event up to `position` is in it.
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
