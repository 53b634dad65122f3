public import EventSourcing
import Foundation
import JSON
import Keys
import Observability
public import WireProtocol
public import ZeroMQ

/// A service as its callers see it: commands and queries.
public struct ServiceClient: Sendable {
    private let connection: RequestClient
    private let timeout: Duration
    private let actor: String
    private let traceparent: TraceParent?

    /// Starts to connect.
    ///
    /// - Parameters:
    ///   - service: the name of the process, which it must prove over TCP. The bus has the event
    ///     store's name.
    ///   - timeout: how long to try a call, also across restarts of the service.
    ///   - actor: the person or program that gives the commands.
    ///   - traceparent: the trace that the commands are part of, or nil.
    ///   - context: the context with the keys for TCP, or nil for the keys of the process.
    /// - Throws: `ZeroMQError` if the endpoint is invalid or needs keys.
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

    /// Closes the connection. Pending calls fail as unavailable.
    public func close() async { await connection.close() }

    /// Sends a command until an answer comes. The command takes effect once, however often it is
    /// sent, and not after the client's timeout.
    ///
    /// An error of kind `unavailable` or `overloaded` leaves the outcome unknown. Send the same
    /// command with the same id to learn it.
    ///
    /// - Parameters:
    ///   - id: the id of the command. It must not belong to another command.
    ///   - mayBeRepeat: whether an earlier caller may have sent a command with the same id.
    /// - Throws: `ProtocolError` with the service's rejection, `unavailable` if no answer came in
    ///   time.
    public func command<Command: Codable & Sendable>(
        _ name: String, _ command: Command, id: EventID = .random(), mayBeRepeat: Bool = false
    ) async throws -> CommandReply {
        let deadline = min(Timestamp.now() + timeout, .latest)
        let answer = try await connection.call(name, within: timeout) { attempt in
            try JSON.encode(
                CommandRequest(
                    id: id, attempt: attempt + (mayBeRepeat ? 1 : 0), actor: actor,
                    traceparent: traceparent, deadline: deadline, command: command))
        }
        return try JSON.decode(CommandReply.self, from: answer)
    }

    /// Returns the answer to any other call. The argument and the answer are JSON.
    package func call<Answer: Decodable>(
        _ name: String, _ argument: some Encodable & Sendable, as: Answer.Type = Answer.self
    ) async throws -> Answer {
        try await connection.call(name, within: timeout, json: argument)
    }

    /// Returns the service's answer to a query.
    ///
    /// - Parameters:
    ///   - atLeast: the position up to which the answer includes every event, or nil for any.
    ///   - asOf: the point in the log that the answer describes, or nil for now.
    ///   - without: the event that the answer, a ``Hypothetical``, leaves out, or nil.
    public func query<Query: Codable & Sendable, Answer: Decodable>(
        _ name: String, _ query: Query, atLeast: UInt64? = nil, asOf: Moment? = nil,
        without: EventReference? = nil, as: Answer.Type = Answer.self
    ) async throws -> Answer {
        try await marked(name, query, atLeast: atLeast, asOf: asOf, without: without).answer
    }

    /// Returns the service's answer to a query, as ``query(_:_:atLeast:asOf:without:as:)`` does,
    /// with its marks. Earlier versions of the services send none.
    public func marked<Query: Codable & Sendable, Answer: Decodable>(
        _ name: String, _ query: Query, atLeast: UInt64? = nil, asOf: Moment? = nil,
        without: EventReference? = nil
    ) async throws -> Marked<Answer> {
        let argument = try JSON.encode(
            QueryRequest(
                atLeast: atLeast, asOf: asOf, without: without, id: .random(),
                timeout: timeout / .seconds(1), marks: true, query: query))
        let frames = try await connection.frames(of: name, within: timeout) { _ in argument }
        return Marked(
            try JSON.decode(from: frames.first ?? []),
            try frames.dropFirst().first.map { try JSON.decode(from: $0) })
    }
}
