public import EventSourcing
public import Foundation
import JSON
public import Logging
import Observability
public import WireProtocol
public import ZeroMQ

/// Receives a service's calls on a ROUTER socket, runs their handlers concurrently and sends the
/// answers. The clients take turns.
public actor CallServer: LoopActor {
    /// Returns the answer to a call's argument. Both are JSON unless the call says otherwise.
    ///
    /// A handler must check the caller's permissions itself.
    public typealias Handler = @Sendable (Data, Caller) async throws -> Data

    /// How often the server looks whether callers have disconnected.
    private static let pause: Duration = .seconds(1)

    /// How many short messages the server takes before it begins the next calls.
    private static let messagesAtATime = 16
    /// Messages from this size on are long. libzmq may keep some of each connection, so the server
    /// takes them for as long as it has worked before.
    private static let longMessage = 16 << 10
    /// How long the server takes long messages before it works again.
    private static let longest: Duration = .milliseconds(100)
    /// How long the server begins calls before it takes further messages.
    private static let beginning: Duration = .milliseconds(1)

    /// The turns of clients at queries that take long.
    public nonisolated let turns: FairTurns
    private let socket: Socket
    /// The socket's thread, on which the server runs.
    public nonisolated let loop: SocketLoop
    private let service: String
    private let log: EventID
    private let access: AccessControl
    private let logger: Logger
    private let calls: CallTable
    private let unread: ThrottledLog
    private var outboxes: Outboxes
    /// The calls that have not begun yet. The client that has taken the least time is next.
    private var waiting = FairQueue<Request>()
    /// The calls that end when their callers disconnect, with the connection they came by.
    private var leavable: [UInt64: (connection: Connection?, task: Task<Void, Never>?)] = [:]
    private var lastCall: UInt64 = 0
    /// When the server last took messages, or began to work again.
    private var lastTaken = ContinuousClock.now

    private typealias Reply = (kind: MessageKind, frames: [[UInt8]])

    /// Creates a server and binds its endpoint.
    ///
    /// - Parameters:
    ///   - service: the name of the service, for clients.
    ///   - log: the identity of the log, for clients.
    ///   - access: the permissions of the callers that the context admits.
    ///   - unreadBytes: how many bytes of answers may wait for a caller that does not read them.
    /// - Throws: `ZeroMQError` if the endpoint can't be bound.
    public init(
        service: String, log: EventID, endpoint: String, on loop: SocketLoop, in context: Context,
        access: AccessControl = .none, unreadBytes: Int = 32 << 20, logger: Logger
    ) async throws {
        outboxes = Outboxes(bytesOfCaller: unreadBytes)
        self.service = service
        self.log = log
        self.access = access
        calls = CallTable(of: service, access: access)
        unread = ThrottledLog(logger)
        self.loop = loop
        turns = FairTurns(on: loop)
        self.logger = logger
        // No call is longer. libzmq closes the connection of a longer message before it allocates
        // memory for it.
        var options = Socket.Options()
        // With the bytes that encryption adds.
        options.maximumMessageBytes = Int64(Limits.argumentBytes + 1024)
        options.receiveHighWaterMark = 8
        socket = try Socket(.router, on: loop, in: context, options: options)
        try socket.bind(endpoint)
    }

    /// Registers the handler of a call.
    ///
    /// - Parameter endsWithCaller: whether the handler is cancelled when its caller disconnects. It
    ///   must not change anything then.
    public func handle(
        _ name: String, endsWithCaller: Bool = false, _ handler: @escaping Handler
    ) {
        calls.handle(name, endsWithCaller: endsWithCaller) {
            (try await handler($0, $1), "answered")
        }
    }

    /// Registers the handler of a query whose answers may have marks. It is cancelled when its
    /// caller disconnects.
    public func handleMarked(
        _ name: String,
        _ handler: @escaping @Sendable (Data, Caller) async throws -> Marked<Data>
    ) {
        calls.handleFrames(name, endsWithCaller: true) {
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
        handle(name, endsWithCaller: true) { [loop] data, caller in
            try caller.checkRead()
            let request = try JSON.argument(QueryRequest<Query>.self, data)
            let answer = try await request.waiting(on: loop) { position in
                try await handler(request.query, position)
            }
            return try JSON.data(answer)
        }
    }

    /// Receives and answers calls until the task is cancelled.
    public func run() async throws {
        defer { calls.removeAll() }
        do {
            try await serve()
        } catch {
            let queries = leavable.values.compactMap(\.task)
            for query in queries { query.cancel() }
            for query in queries { await query.value }
            rejectWaiting()
            await outboxes.flush()
            throw error
        }
    }

    /// Answers the calls that have not begun, so that their callers do not wait for an answer.
    private func rejectWaiting() {
        let error = ProtocolError(describing: CancellationError())
        // Those that have come by now. A flood would not end.
        for _ in 0..<256 {
            guard let mayHaveMore = try? takeRequests(), mayHaveMore else { break }
        }
        while let request = waiting.popFirst() {
            calls.end(request.lane, bytes: request.bytes)
            send(.error, [error.bytes], for: request)
        }
    }

    private func serve() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask { try await self.cancelLeft() }
            while true {
                try Task.checkCancellation()
                let mayHaveMore = try takeRequests()
                var next = waiting.popFirst()
                guard next != nil else {
                    // A flood of rejected messages would keep the thread from its other work.
                    if mayHaveMore {
                        await Task.yield()
                    } else {
                        _ = try await socket.readable()
                        lastTaken = .now
                    }
                    continue
                }
                let end = ContinuousClock.now + Self.beginning
                while let request = next {
                    let start = ThreadClock.now
                    // Most calls compute on this thread, and end before it does anything else.
                    if calls.endsWithCaller(request.body.first) {
                        begin(request)
                    } else {
                        group.addImmediateTask(executorPreference: loop) {
                            await self.answer(request)
                        }
                    }
                    waiting.charge(ThreadClock.now - start, to: request.lane)
                    next = .now < end ? waiting.popFirst() : nil
                }
                await Task.yield()
            }
        }
    }

    /// Begins a call that ends with its caller.
    private func begin(_ request: Request) {
        lastCall += 1
        let id = lastCall
        leavable[id] = (request.connection, nil)
        let task = CallerLane.$current.withValue(request.lane) {
            Task.immediate(executorPreference: loop) {
                await answer(request)
                leavable[id] = nil
            }
        }
        leavable[id]?.task = task
    }

    /// Takes some messages. Returns whether there may be more.
    private func takeRequests() throws -> Bool {
        let start = ContinuousClock.now
        defer { lastTaken = .now }
        let end = start + min(start - lastTaken, Self.longest)
        var short = 0
        while short < Self.messagesAtATime {
            guard let message = try socket.receiveRequest() else { return false }
            let bytes = message.frames.reduce(0) { $0 + $1.count }
            if bytes < Self.longMessage || .now > end { short += 1 }
            if let request = admit(message) { waiting.append(request, to: request.lane) }
        }
        return true
    }

    /// Cancels the calls whose callers have disconnected, until the task is cancelled.
    private func cancelLeft() async throws {
        while true {
            try await Task.sleep(for: Self.pause)
            outboxes.forgetIdle()
            for call in leavable.values where call.connection?.isOpen == false {
                call.task?.cancel()
            }
        }
    }

    /// Returns the request to answer, or nil if it is ignored or has been rejected already.
    private func admit(_ message: ReceivedRequest) -> Request? {
        // The server ignores senders whose key was revoked after they connected.
        guard let caller = access.caller(message.sender) else { return nil }
        let request = Request(message, caller)
        // A client that does not read its answers can't read this one either.
        guard outboxes.room(for: 1, to: request.peer, caller) != nil else {
            noteDropped(request)
            return nil
        }
        do {
            try calls.begin(request.lane, bytes: request.bytes)
            return request
        } catch {
            send(.error, [error.bytes], for: request)
            return nil
        }
    }

    private func answer(_ request: Request) async {
        let (kind, frames) = await reply(to: request)
        calls.end(request.lane, bytes: request.bytes)
        send(kind, frames, for: request)
    }

    private func send(_ kind: MessageKind, _ frames: [[UInt8]], for request: Request) {
        let header = MessageHeader(kind, requestID: request.head.id)
        do {
            let bytes = frames.reduce(0) { $0 + $1.count }
            guard let unsent = outboxes.room(for: bytes, to: request.peer, request.caller),
                try socket.send(to: request.peer, [header.bytes] + frames, countedBy: unsent)
            else { return noteDropped(request) }
        } catch ZeroMQError.hostUnreachable {
            // The client has disconnected, so nobody waits for the answer.
        } catch {
            logger.error("the server failed to send an answer", metadata: ["reason": "\(error)"])
        }
    }

    private func noteDropped(_ request: Request) {
        ProcessCounters.shared.noteDroppedAnswer()
        unread.note(
            "the client does not read its answers; an answer was dropped",
            of: request.caller.name ?? "clients")
    }

    private func reply(to request: Request) async -> Reply {
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
    let peer: PeerName
    let connection: Connection?
    let caller: Caller
    let lane: CallerLane
    let head: RequestHead
    let body: [[UInt8]]

    init(_ message: ReceivedRequest, _ caller: Caller) {
        self.caller = caller
        peer = message.peer
        connection = message.connection
        lane = CallerLane(caller, message.peer)
        head = RequestHead(message.frames.first)
        body = Array(message.frames.dropFirst())
    }

    var bytes: Int { body.reduce(0) { $0 + $1.count } }
}
