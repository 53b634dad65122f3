public import EventSourcing
public import Foundation
import JSON
public import Logging
import Observability
public import WireProtocol
public import ZeroMQ

/// Receives a service's calls on a ROUTER socket, runs their handlers concurrently and sends the
/// answers.
public actor CallServer {
    /// Returns the answer to a call's argument. Both are JSON unless the call says otherwise.
    ///
    /// A handler must check the caller's permissions itself.
    public typealias Handler = @Sendable (Data, Caller) async throws -> Data

    /// How many calls run at a time. Further ones wait in the socket, which pushes back.
    private static let inFlight = 2048
    /// How many calls of one key run at a time. The server rejects further ones.
    private static let inFlightOfKey = 512

    private let socket: Socket
    private let loop: SocketLoop
    private let service: String
    private let log: EventID
    private let access: AccessControl
    private let logger: Logger
    /// Returns the answer to a call, and its outcome as one word for the metrics.
    private typealias MeteredHandler =
        @Sendable (Data, Caller) async throws -> (answer: Data, outcome: String)
    private var handlers: [String: MeteredHandler] = [:]
    private var calls = CallMeter()
    private var running = 0
    private var runningOfKey: [String: Int] = [:]
    private let unread: ThrottledLog
    private var roomWaiter: CheckedContinuation<Void, Never>?

    /// The socket's thread, on which the server runs.
    public nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe loop.asUnownedSerialExecutor()
    }

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
        handlers[name] = { (try await handler($0, $1), "answered") }
    }

    /// Registers the handler of a command. The server checks that the caller may send commands.
    public func command<Command: Codable & Sendable>(
        _ name: String,
        _ handler: @escaping @Sendable (Command, Cause) async throws -> Outcome
    ) {
        let service = service
        handlers[name] = { [logger] data, caller in
            try caller.checkCommand(to: service)
            let request = try JSON.argument(CommandRequest<Command>.self, data)
            let cause = request.cause(from: caller)
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
        // A handler may hold the service, which holds the server: a reference cycle.
        defer { handlers = [:] }
        try await withThrowingDiscardingTaskGroup { group in
            while true {
                while let (message, sender) = try socket.receiveRequest() {
                    if let request = admit(message, sender) {
                        await waitForRoom()
                        count(1, of: request.caller)
                        group.addTask {
                            await self.answer(request)
                        }
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
        guard runningOfKey[caller.name ?? "", default: 0] < Self.inFlightOfKey else {
            calls.note(CallMeter.other, "\(Self.tooMany.code)", .zero)
            send(.error, Self.tooMany.bytes, for: request)
            return nil
        }
        return request
    }

    private static let tooMany = ProtocolError(
        .overloaded, "a key may have \(inFlightOfKey) calls in progress; retry later")

    private func count(_ change: Int, of caller: Caller) {
        running += change
        if let name = caller.name { runningOfKey[name, default: 0] += change }
    }

    private func waitForRoom() async {
        guard running >= Self.inFlight else { return }
        await withCheckedContinuation { continuation in
            // Answers may have been sent while this task suspended, so the count is checked again.
            if running < Self.inFlight { continuation.resume() } else { roomWaiter = continuation }
        }
    }

    private func answer(_ request: Request) async {
        let (kind, body) = await reply(to: request)
        count(-1, of: request.caller)
        roomWaiter?.resume()
        roomWaiter = nil
        send(kind, body, for: request)
    }

    private func send(_ kind: MessageKind, _ body: [UInt8], for request: Request) {
        guard let peer = request.peer else { return }
        let header = MessageHeader(kind, requestID: request.id)
        do {
            guard try socket.send([peer, header.bytes, body]) else {
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

    private func reply(to request: Request) async -> (MessageKind, [UInt8]) {
        let start = ContinuousClock.now
        var call = CallMeter.other
        do {
            guard let kind = request.kind else { throw request.problem }
            let body = request.body
            switch kind {
            case .hello:
                guard body.count == 1 else {
                    throw ProtocolError(.malformed, "hello must have one frame after its header")
                }
                try JSON.argument(Hello.self, Data(body[0])).checkVersion()
                let welcome = Welcome(
                    version: MessageHeader.version, server: service, log: log, head: 0, feed: nil)
                return (.welcome, try JSON.encode(welcome))
            case .call:
                guard body.count == 2 else {
                    throw ProtocolError(
                        .malformed, "a call must have three frames: header, name and argument")
                }
                let name = String(decoding: body[0], as: UTF8.self)
                guard let handler = handlers[name] else { throw unknown(name) }
                call = name
                let (answer, outcome) = try await handler(Data(body[1]), request.caller)
                calls.note(call, outcome, .now - start)
                return (.result, Array(answer))
            default:
                throw ProtocolError(.malformed, "\(service) accepts hello and call, not \(kind)")
            }
        } catch {
            let problem = ProtocolError(describing: error)
            calls.note(call, "\(problem.code)", .now - start)
            access.note(problem, of: request.caller)
            return (.error, problem.bytes)
        }
    }

    private func unknown(_ call: String) -> ProtocolError {
        let names = handlers.keys.sorted().joined(separator: ", ")
        return ProtocolError(.notFound, "\(service) has no call '\(call)'; it has \(names)")
    }
}

/// A received message, decoded as far as possible.
private struct Request: Sendable {
    var peer: [UInt8]?
    let caller: Caller
    /// The request id, or 0 if the header can't be read.
    var id: UInt64 = 0
    /// The kind of the message, or nil if the message has a ``problem``.
    var kind: MessageKind?
    var body: [[UInt8]] = []
    var problem = ProtocolError(.malformed, "a message begins with a header frame")

    init(_ frames: [[UInt8]], _ caller: Caller) {
        self.caller = caller
        peer = frames.first
        guard frames.count >= 2 else { return }
        let first = frames[1]
        do {
            let header = try MessageHeader(first.span)
            id = header.requestID
            try header.checkVersion()
            kind = header.kind
        } catch {
            problem = error
        }
        body = Array(frames.dropFirst(2))
    }
}
