public import EventSourcing
public import Foundation
import JSON
public import Logging
import Observability
public import WireProtocol
public import ZeroMQ

/// A service's ROUTER: takes calls, has them answered side by side, and sends the answers.
public actor CallServer {
    /// Answers one call: its argument in, its answer out; both JSON unless the call says otherwise.
    /// It sees to it that the caller may do what it asks for.
    public typealias Handler = @Sendable (Data, Caller) async throws -> Data

    /// This many calls are worked on at a time; more wait in the socket, which then pushes back.
    private static let inFlight = 2048
    /// And this many of one key; further ones are turned down at once.
    private static let inFlightOfKey = 512

    private let socket: Socket
    private let loop: SocketLoop
    private let service: String
    private let log: EventID
    private let access: AccessControl
    private let logger: Logger
    /// Answers as a handler does, and says in a word what the call came to.
    private typealias Told =
        @Sendable (Data, Caller) async throws -> (answer: Data, outcome: String)
    private var handlers: [String: Told] = [:]
    private var calls = CallMeter()
    private var running = 0
    private var runningOfKey: [String: Int] = [:]
    private let unread: ThrottledLog
    private var roomWaiter: CheckedContinuation<Void, Never>?

    public nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe loop.asUnownedSerialExecutor()
    }

    /// Binds `endpoint`.
    ///
    /// - Parameters:
    ///   - service: its name, for clients.
    ///   - access: who may do what, of those whom the context lets in by their keys.
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
        // What is longer is no call, and ends its connection before memory is spent on it.
        var options = Socket.Options()
        options.maximumMessageBytes = Int64(Limits.appendBytes)
        socket = try Socket(.router, on: loop, in: context, options: options)
        try socket.bind(endpoint)
    }

    /// Answers the call `name` with `handler`.
    public func handle(_ name: String, _ handler: @escaping Handler) {
        handlers[name] = { (try await handler($0, $1), "answered") }
    }

    /// Answers the call `name` by carrying a command out.
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

    /// Answers the call `name` with what the query asks, if the caller may read everything.
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

    /// Serves until cancelled.
    public func run() async throws {
        // They hold what answers, which may well hold the server.
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
                        // Others on this thread have their turn: nothing else slows this one down.
                        await Task.yield()
                    }
                }
                _ = try await socket.readable()
            }
        }
    }

    /// The request, unless it is not to be answered, or has been.
    private func admit(_ message: [[UInt8]], _ sender: String?) -> Request? {
        // Whose key was revoked is heard no more.
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
        .overloaded, "a key has up to \(inFlightOfKey) calls under way; ask later")

    private func count(_ change: Int, of caller: Caller) {
        running += change
        if let name = caller.name { runningOfKey[name, default: 0] += change }
    }

    private func waitForRoom() async {
        guard running >= Self.inFlight else { return }
        await withCheckedContinuation { continuation in
            // Looked at again: answers may have been sent while this task suspended.
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
                    "a client does not read its answers; one was dropped",
                    of: request.caller.name ?? "clients")
            }
        } catch ZeroMQError.hostUnreachable {
            // Who asked has gone: nobody is left to answer.
        } catch {
            logger.error("an answer could not be sent", metadata: ["reason": "\(error)"])
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
                    throw ProtocolError(.malformed, "hello has one frame behind its header")
                }
                try JSON.argument(Hello.self, Data(body[0])).checkVersion()
                let welcome = Welcome(
                    version: MessageHeader.version, server: service, log: log, head: 0, feed: nil)
                return (.welcome, try JSON.encode(welcome))
            case .call:
                guard body.count == 2 else {
                    throw ProtocolError(
                        .malformed, "a call has three frames: header, name and argument")
                }
                let name = String(decoding: body[0], as: UTF8.self)
                guard let handler = handlers[name] else { throw unknown(name) }
                call = name
                let (answer, outcome) = try await handler(Data(body[1]), request.caller)
                calls.note(call, outcome, .now - start)
                return (.result, Array(answer))
            default:
                throw ProtocolError(.malformed, "\(service) takes hello and call, not \(kind)")
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

/// A message as it came, taken apart as far as it goes.
private struct Request: Sendable {
    var peer: [UInt8]?
    let caller: Caller
    /// Zero if it can't be read.
    var id: UInt64 = 0
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
