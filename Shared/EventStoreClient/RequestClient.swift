import DequeModule
import EventSourcing
import WireProtocol
public import ZeroMQ

/// A connection to a process: requests go out, and what comes back finds who asked. Callers on its
/// loop pay for no change of threads.
///
/// It reconnects by itself. Call `close` when done with it.
public actor RequestClient {
    /// How long an answer is waited for before the request is sent again.
    static let attempt: Duration = .seconds(2)

    /// What has come for a request, and who waits for more.
    private struct Inbox {
        var messages: [[[UInt8]]] = []
        var waiter: CheckedContinuation<[[UInt8]]?, Never>?
        var deadline: ContinuousClock.Instant?
    }

    private let socket: Socket
    private let loop: SocketLoop
    public nonisolated let endpoint: String
    private var inboxes: [UInt64: Inbox] = [:]
    private var readsOpen = 0
    private var waitingReads: Deque<CheckedContinuation<Void, Never>> = []
    private var lastRequestID: UInt64 = 0
    private var receiving: Task<Void, Never>?
    private(set) var isClosed = false

    public nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe loop.asUnownedSerialExecutor()
    }

    /// Begins to connect; a process that is not there yet is waited for by the requests.
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

    // MARK: Reads

    /// The store lets a client have few reads open; more wait here, in their order.
    private static let openReads = 32

    func startRead() async {
        guard readsOpen >= Self.openReads else {
            readsOpen += 1
            return
        }
        await withCheckedContinuation { waitingReads.append($0) }
    }

    /// Ends a read; its place goes to the one that waits longest.
    func endRead() {
        if waitingReads.isEmpty { readsOpen -= 1 } else { waitingReads.removeFirst().resume() }
    }

    // MARK: Requests

    /// Asks until an answer comes; only for what may be asked more than once.
    ///
    /// - Parameter frames: what stands behind the header, given the number of the attempt, from 1.
    /// - Throws: `ProtocolError` for a refusal, `Unavailable` if no answer comes within `timeout`.
    func request(
        _ kind: MessageKind, within timeout: Duration, _ frames: (Int) throws -> [[UInt8]]
    ) async throws -> Answer {
        let deadline = ContinuousClock.now + timeout
        var attempts = 0
        while !isClosed, ContinuousClock.now < deadline {
            try Task.checkCancellation()
            attempts += 1
            let id = newRequest()
            defer { forget(id) }
            try await send(kind, id, try frames(attempts), until: deadline)
            if let message = await next(id, until: min(deadline, .now + Self.attempt)) {
                return try Answer(message)
            }
        }
        throw Unavailable(endpoint: endpoint, timeout: timeout)
    }

    /// The answer to a call of a service.
    ///
    /// - Parameter argument: JSON, given the number of the attempt, from 1: a call whose answer does not
    ///   come is made again.
    /// - Throws: `ProtocolError` for a refusal, `Unavailable` if no answer comes within `timeout`.
    public func call(
        _ name: String, within timeout: Duration, _ argument: (Int) throws -> [UInt8]
    ) async throws -> [UInt8] {
        let answer = try await request(.call, within: timeout) { attempt in
            [Array(name.utf8), try argument(attempt)]
        }
        return answer.body.first ?? []
    }

    func forget(_ id: UInt64) { inboxes[id] = nil }

    func newRequest() -> UInt64 {
        lastRequestID += 1
        inboxes[lastRequestID] = Inbox()
        if receiving == nil {
            receiving = Task(executorPreference: loop) { await self.receive() }
        }
        return lastRequestID
    }

    func send(
        _ kind: MessageKind, _ id: UInt64, _ frames: [[UInt8]],
        until deadline: ContinuousClock.Instant
    ) async throws {
        let message = [MessageHeader(kind, requestID: id).bytes] + frames
        while try !socket.send(message) {
            guard try await socket.writable(until: deadline) else { return }
        }
    }

    /// The next message for the request; nil when none has come by the deadline.
    func next(_ id: UInt64, until deadline: ContinuousClock.Instant) async -> [[UInt8]]? {
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
            guard (try? await socket.readable(until: .now + .milliseconds(100))) != nil else {
                return
            }
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
struct Answer: Sendable {
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

/// A process did not answer.
public struct Unavailable: Error, Hashable, CustomStringConvertible {
    public let endpoint: String
    public let timeout: Duration

    public var description: String {
        "nothing at \(endpoint) answered within \(timeout); is the process there running?"
    }
}
