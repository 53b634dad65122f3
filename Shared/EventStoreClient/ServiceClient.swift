public import EventSourcing
import Foundation
import JSON
import Keys
public import WireProtocol
public import ZeroMQ

/// A service as its callers see it: commands and queries.
public struct ServiceClient: Sendable {
    private let connection: RequestClient
    private let timeout: Duration
    private let actor: String
    private let traceparent: TraceParent?

    /// - Parameters:
    ///   - service: the name of the process, which it must prove over TCP; the bus is the event
    ///     store's.
    ///   - timeout: how long a call is tried, over restarts of the service.
    ///   - actor: who gives the commands.
    ///   - traceparent: the trace that the commands are part of.
    ///   - context: with the keys to be used over TCP; those that the process was given, if nil.
    public init(
        endpoint: String, of service: String, timeout: Duration, actor: String,
        traceparent: TraceParent? = nil, in context: Context? = nil
    ) async throws {
        connection = try await RequestClient(
            endpoint: endpoint, to: service, on: SocketLoop(name: "client"),
            in: context ?? .ofProcess())
        self.timeout = timeout
        self.actor = actor
        self.traceparent = traceparent
    }

    public func close() async { await connection.close() }

    /// Has the command carried out, once however often it has to be sent.
    ///
    /// - Parameter mayBeRepeat: whether an earlier caller may have sent the same command, by its
    ///   id.
    public func command<Command: Codable & Sendable>(
        _ name: String, _ command: Command, id: EventID = .random(), mayBeRepeat: Bool = false
    ) async throws -> CommandReply {
        let answer = try await connection.call(name, within: timeout) { attempt in
            try JSON.encode(
                CommandRequest(
                    id: id, attempt: attempt + (mayBeRepeat ? 1 : 0), actor: actor,
                    traceparent: traceparent, command: command))
        }
        return try JSON.decode(CommandReply.self, from: answer)
    }

    /// The answer to any other call.
    package func call<Answer: Decodable>(
        _ name: String, _ argument: some Encodable & Sendable, as: Answer.Type = Answer.self
    ) async throws -> Answer {
        let answer = try await connection.call(name, within: timeout) { _ in
            try JSON.encode(argument)
        }
        return try JSON.decode(Answer.self, from: answer)
    }

    /// What the service answers to the query.
    ///
    /// - Parameters:
    ///   - atLeast: the answer knows every event up to this position.
    ///   - asOf: it is what was true then.
    ///   - without: it is a ``Hypothetical``, as if the event of this id had not happened.
    public func query<Query: Codable & Sendable, Answer: Decodable>(
        _ name: String, _ query: Query, atLeast: UInt64? = nil, asOf: Moment? = nil,
        without: EventID? = nil, as: Answer.Type = Answer.self
    ) async throws -> Answer {
        let request = QueryRequest(atLeast: atLeast, asOf: asOf, without: without, query: query)
        let answer = try await connection.call(name, within: timeout) { _ in
            try JSON.encode(request)
        }
        return try JSON.decode(Answer.self, from: answer)
    }
}
