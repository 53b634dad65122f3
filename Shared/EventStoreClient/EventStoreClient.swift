public import EventSourcing
public import WireProtocol
public import ZeroMQ

/// A connection to the event store. Callers on its loop pay for no change of threads.
///
/// It reconnects by itself. Call `close` when done with it.
public actor EventStoreClient {
    /// How long an answer is waited for before the request is sent again.
    private static let attempt: Duration = .seconds(2)

    /// What has come for a request, and who waits for more.
    private struct Inbox {
        var messages: [[[UInt8]]] = []
        var waiter: CheckedContinuation<[[UInt8]]?, Never>?
        var deadline: ContinuousClock.Instant?
    }

    private let socket: Socket
    private let loop: SocketLoop
    private let endpoint: String
    private var inboxes: [UInt64: Inbox] = [:]
    private var lastRequestID: UInt64 = 0
    private var receiving: Task<Void, Never>?
    private var isClosed = false

    public nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe loop.asUnownedSerialExecutor()
    }

    /// Begins to connect; a store that is not there yet is waited for by the requests.
    public init(endpoint: String, on loop: SocketLoop, in context: Context) async throws {
        self.loop = loop
        self.endpoint = endpoint
        socket = try Socket(.dealer, on: loop, in: context)
        try socket.connect(endpoint)
    }

    /// Ends what is under way: it fails as unavailable.
    public func close() {
        isClosed = true
        receiving?.cancel()
        for id in inboxes.keys { resume(id, nil) }
    }

    /// Appends the events, all or none, if the condition holds.
    ///
    /// An answer that does not come is asked for again with the same events, under the same ids: that
    /// is safe, for the store keeps an id once.
    /// - Throws: `ProtocolError` for a refusal, `Unavailable` if no answer came within `timeout`,
    ///   `NameError` for an event that can't be written.
    public func append(
        _ events: [NewEvent], _ condition: AppendCondition = .any, timeout: Duration = .seconds(30)
    ) async throws -> Appended {
        var records: [UInt8] = []
        for event in events { try event.encode(into: &records) }
        let answer = try await request(
            .append, [try condition.encoded(), records], within: timeout)
        guard answer.header.kind == .appended, let body = answer.body.first else {
            throw ProtocolError(.malformed, "the answer to an append is a \(answer.header.kind)")
        }
        return try Appended(body.span)
    }

    /// Reads what `request` asks for, chunk by chunk; the store sends no more than `body` has taken.
    ///
    /// A connection that is lost is taken up again where it was.
    public func read(
        _ request: ReadRequest, timeout: Duration = .seconds(30),
        _ body: (RecordSequence) async throws -> Void
    ) async throws {
        var rest = request
        var deadline = ContinuousClock.now + timeout
        while ContinuousClock.now < deadline {
            let id = newRequest()
            defer { inboxes[id] = nil }
            try await send(.read, id, [try rest.encoded()], until: deadline)
            while let message = await next(id, until: .now + Self.attempt) {
                let answer = try Answer(message)
                guard answer.header.kind == .chunk, answer.body.count == 2 else {
                    throw ProtocolError(.malformed, "a read is answered in chunks")
                }
                let (head, records) = (answer.body[0], answer.body[1])
                let chunk = try ChunkHeader(head.span)
                try await body(try RecordSequence(records[...]))
                if chunk.isLast { return }
                rest.from = chunk.next
                if rest.limit > 0 { rest.limit -= UInt64(chunk.count) }
                deadline = .now + timeout
                try await send(.credit, id, [[1, 0, 0, 0]], until: deadline)
            }
            guard !isClosed else { break }
        }
        throw Unavailable(endpoint: endpoint, timeout: timeout)
    }

    // MARK: Requests

    private func request(
        _ kind: MessageKind, _ frames: [[UInt8]], within timeout: Duration
    ) async throws -> Answer {
        let deadline = ContinuousClock.now + timeout
        while !isClosed, ContinuousClock.now < deadline {
            let id = newRequest()
            defer { inboxes[id] = nil }
            try await send(kind, id, frames, until: deadline)
            if let message = await next(id, until: min(deadline, .now + Self.attempt)) {
                return try Answer(message)
            }
        }
        throw Unavailable(endpoint: endpoint, timeout: timeout)
    }

    private func newRequest() -> UInt64 {
        lastRequestID += 1
        inboxes[lastRequestID] = Inbox()
        if receiving == nil {
            receiving = Task(executorPreference: loop) { await self.receive() }
        }
        return lastRequestID
    }

    private func send(
        _ kind: MessageKind, _ id: UInt64, _ frames: [[UInt8]], until deadline: ContinuousClock.Instant
    ) async throws {
        let message = [MessageHeader(kind, requestID: id).bytes] + frames
        while try !socket.send(message) {
            guard try await socket.writable(until: deadline) else { return }
        }
    }

    /// The next message for the request; nil when none has come by the deadline.
    private func next(_ id: UInt64, until deadline: ContinuousClock.Instant) async -> [[UInt8]]? {
        guard let inbox = inboxes[id], !isClosed else { return nil }
        if let first = inbox.messages.first {
            inboxes[id]?.messages.removeFirst()
            return first
        }
        return await withCheckedContinuation { continuation in
            inboxes[id]?.waiter = continuation
            inboxes[id]?.deadline = deadline
        }
    }

    private func resume(_ id: UInt64, _ message: [[UInt8]]?) {
        let waiter = inboxes[id]?.waiter
        inboxes[id]?.waiter = nil
        inboxes[id]?.deadline = nil
        waiter?.resume(returning: message)
    }

    /// Hands what comes to the requests it answers, until cancelled.
    private func receive() async {
        while !Task.isCancelled {
            while let message = try? socket.receiveMessage() { deliver(message) }
            // Requests that time out are looked for now and then, not each with a timer of its own.
            guard (try? await socket.readable(until: .now + .milliseconds(100))) != nil else { return }
            let now = ContinuousClock.now
            for (id, inbox) in inboxes {
                if let deadline = inbox.deadline, deadline <= now { resume(id, nil) }
            }
        }
    }

    private func deliver(_ message: [[UInt8]]) {
        guard let first = message.first, let header = try? MessageHeader(first.span),
            let inbox = inboxes[header.requestID]
        else { return }  // An answer to a request that was given up.
        if inbox.waiter != nil {
            resume(header.requestID, message)
        } else {
            inboxes[header.requestID]?.messages.append(message)
        }
    }
}

/// An answer, taken apart; one that is a refusal is thrown.
private struct Answer {
    let header: MessageHeader
    let body: [[UInt8]]

    init(_ message: [[UInt8]]) throws(ProtocolError) {
        let first = message[0]
        header = try MessageHeader(first.span)
        body = Array(message.dropFirst())
        guard header.kind != .error else {
            let frame = body.first ?? []
            throw ProtocolError(frame.span)
        }
    }
}

/// The event store did not answer.
public struct Unavailable: Error, Hashable, CustomStringConvertible {
    public let endpoint: String
    public let timeout: Duration

    public var description: String {
        "the event store at \(endpoint) did not answer within \(timeout); is `event-store serve` running?"
    }
}
