public import EventSourcing
public import Foundation
import JSON
public import Logging
import Observability
public import WireProtocol
public import ZeroMQ

/// Receives a service's calls on a ROUTER socket, runs their handlers concurrently and sends the
/// answers.
public actor CallServer: LoopActor {
    /// Returns the answer to a call's argument. Both are JSON unless the call says otherwise.
    ///
    /// A handler must check the caller's permissions itself.
    public typealias Handler = @Sendable (Data, Caller) async throws -> Data

    /// How many calls run at a time. Further ones wait in the socket, which pushes back.
    private static let inFlight = 2048
    private let socket: Socket
    /// The socket's thread, on which the server runs.
    public nonisolated let loop: SocketLoop
    private let service: String
    private let log: EventID
    private let access: AccessControl
    private let logger: Logger
    private let calls: CallTable
    private let unread: ThrottledLog
    private var roomWaiter: CheckedContinuation<Void, Never>?

    /// Creates a server and binds its endpoint.
    ///
    /// - Parameters:
    ///   - service: the name of the service, for clients.
    ///   - log: the identity of the log, for clients.
    ///   - access: the permissions of the callers that the context admits.
    /// - Throws: `ZeroMQError` if the endpoint can't be bound.
    public init(
        service: String, log: EventID, endpoint: String, on loop: SocketLoop, in context: Context,
        access: AccessControl = .none, logger: Logger
    ) async throws {
        self.service = service
        self.log = log
        self.access = access
        calls = CallTable(of: service, access: access)
        unread = ThrottledLog(logger)
        self.loop = loop
        self.logger = logger
        // No call is longer. libzmq closes the connection of a longer message before it allocates
        // memory for it.
        var options = Socket.Options()
        options.maximumMessageBytes = Int64(Limits.appendBytes)
        socket = try Socket(.router, on: loop, in: context, options: options)
        try socket.bind(endpoint)
    }

    /// Registers the handler of a call.
    public func handle(_ name: String, _ handler: @escaping Handler) {
        calls.handle(name) { (try await handler($0, $1), "answered") }
    }

    /// Registers the handler of a query whose answers may have marks. The handler must check the
    /// caller's permissions itself.
    public func handleMarked(
        _ name: String,
        _ handler: @escaping @Sendable (Data, Caller) async throws -> Marked<Data>
    ) {
        calls.handleFrames(name) {
            let marked = try await handler($0, $1)
            guard let marks = marked.marks else { return ([marked.answer], "answered") }
            return ([marked.answer, try JSON.data(marks)], "answered")
        }
    }

    /// Registers the handler of a command. The server checks that the caller may send commands, and
    /// that it still waits for an answer.
    public func command<Command: Codable & Sendable>(
        _ name: String,
        _ handler: @escaping @Sendable (Command, Cause) async throws -> Outcome
    ) {
        let service = service
        calls.handle(name) { [logger] data, caller in
            try caller.checkCommand(to: service)
            let request = try JSON.argument(CommandRequest<Command>.self, data)
            let cause = try request.cause(of: name, at: service, from: caller)
            try cause.checkDeadline(at: .now())
            let reply = CommandReply(
                try await handler(request.command, cause), correlationID: cause.correlationID)
            logger.debug("\(name) \(reply.result)", metadata: Self.fields(of: cause))
            return (try JSON.data(reply), reply.result.rawValue)
        }
    }

    private static func fields(of cause: Cause) -> Logger.Metadata {
        var fields: Logger.Metadata = [
            "correlationId": "\(cause.correlationID)", "actor": "\(cause.actor)",
        ]
        if let traceparent = cause.traceparent { fields["traceparent"] = "\(traceparent)" }
        return fields
    }

    /// Registers the handler of a query. The server checks that the caller may read all events.
    public func query<Query: Codable & Sendable, Answer: Codable & Sendable>(
        _ name: String,
        _ handler: @escaping @Sendable (Query, _ atLeast: UInt64) async throws -> Answer
    ) {
        handle(name) { data, caller in
            try caller.checkRead()
            let request = try JSON.argument(QueryRequest<Query>.self, data)
            return try JSON.data(
                try await handler(request.query, try request.position()))
        }
    }

    /// Receives and answers calls until the task is cancelled.
    public func run() async throws {
        defer { calls.removeAll() }
        try await withThrowingDiscardingTaskGroup { group in
            while true {
                while let (message, sender) = try socket.receiveRequest() {
                    if let request = admit(message, sender) {
                        await waitForRoom()
                        group.addTask { await self.answer(request) }
                    } else {
                        // Nothing else suspends this loop, and a flood of rejected messages would
                        // keep the thread from its other work.
                        await Task.yield()
                    }
                }
                _ = try await socket.readable()
            }
        }
    }

    /// Returns the request to answer, or nil if it is ignored or has been rejected already.
    private func admit(_ message: [[UInt8]], _ sender: String?) -> Request? {
        // The server ignores senders whose key was revoked after they connected.
        guard let caller = access.caller(sender) else { return nil }
        let request = Request(message, caller)
        do {
            try calls.begin(caller)
            return request
        } catch {
            send(.error, [error.bytes], for: request)
            return nil
        }
    }

    /// Waits while too many calls run, including the one that is about to.
    private func waitForRoom() async {
        guard calls.running > Self.inFlight else { return }
        await withCheckedContinuation { continuation in
            // Answers may have been sent while this task suspended, so the count is checked again.
            if calls.running <= Self.inFlight {
                continuation.resume()
            } else {
                roomWaiter = continuation
            }
        }
    }

    private func answer(_ request: Request) async {
        let (kind, frames) = await reply(to: request)
        calls.end(request.caller)
        roomWaiter?.resume()
        roomWaiter = nil
        send(kind, frames, for: request)
    }

    private func send(_ kind: MessageKind, _ frames: [[UInt8]], for request: Request) {
        guard let peer = request.peer else { return }
        let header = MessageHeader(kind, requestID: request.head.id)
        do {
            guard try socket.send([peer, header.bytes] + frames) else {
                return unread.note(
                    "the client does not read its answers; an answer was dropped",
                    of: request.caller.name ?? "clients")
            }
        } catch ZeroMQError.hostUnreachable {
            // The client has disconnected, so nobody waits for the answer.
        } catch {
            logger.error("the server failed to send an answer", metadata: ["reason": "\(error)"])
        }
    }

    private func reply(to request: Request) async -> (MessageKind, [[UInt8]]) {
        let start = ContinuousClock.now
        do {
            let kind = try request.head.checkedKind.get()
            let body = request.body
            switch kind {
            case .hello:
                guard body.count == 1 else {
                    throw ProtocolError(.malformed, "hello must have one frame after its header")
                }
                try JSON.argument(Hello.self, Data(body[0])).checkVersion()
                return (.welcome, [try JSON.encode(Welcome(server: service, log: log))])
            case .call:
                guard body.count == 2 else {
                    throw ProtocolError(
                        .malformed, "a call must have three frames: header, name and argument")
                }
                do throws(ProtocolError) {
                    return (.result, try await calls.answer(body[0], body[1], to: request.caller))
                } catch {
                    return (.error, [error.bytes])
                }
            default:
                throw ProtocolError(.malformed, "\(service) accepts hello and call, not \(kind)")
            }
        } catch {
            return (.error, [calls.note(error, of: request.caller, since: start).bytes])
        }
    }
}

/// A received message.
private struct Request: Sendable {
    let peer: [UInt8]?
    let caller: Caller
    let head: RequestHead
    let body: [[UInt8]]

    init(_ frames: [[UInt8]], _ caller: Caller) {
        self.caller = caller
        peer = frames.first
        head = RequestHead(frames.dropFirst().first)
        body = Array(frames.dropFirst(2))
    }
}
