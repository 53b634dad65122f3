import DequeModule
public import EventSourcing
import JSON
import WireProtocol
public import ZeroMQ

/// A connection to a process, which sends requests and returns each answer to its caller.
///
/// Callers on its loop need no change of threads. It reconnects automatically. `close` ends it at
/// once. A client without references ends some seconds after its last request.
public actor RequestClient: LoopActor {
    /// How long to wait for an answer before the request is sent again the first time.
    static let attempt: Duration = .seconds(2)
    /// How many reads are open at once. More wait here in their order, because the store limits
    /// them.
    private static let openReads = 32

    /// The messages for a request and the caller that waits for more.
    ///
    /// It is an object, so that one look-up finds it for all operations.
    private final class Inbox {
        var messages: [[[UInt8]]] = []
        var waiter: CheckedContinuation<[[UInt8]]?, Never>?
        var deadline: ContinuousClock.Instant?

        func takeMessage() -> [[UInt8]]? { messages.isEmpty ? nil : messages.removeFirst() }

        func resume(_ message: [[UInt8]]?) {
            let waiter = waiter
            self.waiter = nil
            deadline = nil
            waiter?.resume(returning: message)
        }

        func deliver(_ message: [[UInt8]]) {
            if waiter != nil { resume(message) } else { messages.append(message) }
        }
    }

    private let socket: Socket
    /// The thread of the connection, on which the client runs.
    public nonisolated let loop: SocketLoop
    /// The endpoint of the process.
    public nonisolated let endpoint: String
    private var inboxes: [UInt64: Inbox] = [:]
    private var readsOpen = 0
    private var waitingReads: Deque<UInt64> = []
    private var lastRequestID: UInt64 = 0
    private var receiving: Task<Void, Never>?
    /// The earliest time at which a request's deadline may pass.
    private var nextDeadline: ContinuousClock.Instant = .now
    private(set) var isClosed = false
    private let argumentBytes: Int
    /// Why the process refused the connection, or nil since it has answered.
    private var refusal: String?

    /// Starts to connect.
    ///
    /// If the process is not running yet, requests wait for it.
    ///
    /// - Parameters:
    ///   - peer: the name of the process. With keys, the process must prove it over TCP.
    ///   - argumentBytes: how long an argument the process takes.
    /// - Throws: `ZeroMQError` if the endpoint is invalid or needs keys.
    public init(
        endpoint: String, to peer: String, argumentBytes: Int = Limits.argumentBytes,
        on loop: SocketLoop, in context: Context
    ) async throws {
        self.argumentBytes = argumentBytes
        self.loop = loop
        self.endpoint = endpoint
        socket = try Socket(.dealer, on: loop, in: context)
        try socket.connect(endpoint, to: peer)
    }

    /// Closes the connection. Pending requests fail as unavailable.
    public func close() {
        isClosed = true
        receiving?.cancel()
        for inbox in inboxes.values { inbox.resume(nil) }
    }

    // MARK: Reads

    /// Returns the request id of a new read, once fewer than the maximum are open.
    ///
    /// Returns nil if the connection is closed. The caller must call `endRead` at the end.
    func openRead() async throws -> UInt64? {
        guard !isClosed else { return nil }
        let id = newRequest()
        guard readsOpen >= Self.openReads else {
            readsOpen += 1
            return id
        }
        waitingReads.append(id)
        do {
            if try await next(id, until: nil) != nil { return id }
        } catch {
            // The place may have arrived at the same time.
            if inboxes[id]?.takeMessage() != nil { passOnPlace() }
            forget(id)
            throw error
        }
        forget(id)
        return nil
    }

    /// Ends a read, also at the store if necessary. Its place goes to the read that has waited
    /// longest.
    func endRead(_ id: UInt64, isFinished: Bool) async {
        forget(id)
        if !isFinished { _ = try? await send(.cancel, id, [], until: .now + Self.attempt) }
        passOnPlace()
    }

    private func passOnPlace() {
        while let next = waitingReads.popFirst() {
            // Cancelled reads are forgotten.
            if let inbox = inboxes[next] { return inbox.deliver([]) }
        }
        readsOpen -= 1
    }

    // MARK: Requests

    /// Sends a request until an answer comes, and retries if the process is overloaded.
    ///
    /// Use it only for requests that may be repeated.
    ///
    /// - Parameter frames: returns the frames after the header, for the number of the attempt, from
    ///   1.
    /// - Throws: the `ProtocolError` of an error answer, `unavailable` if no answer comes within
    ///   `timeout`, or if the process does not accept this process's key.
    func request(
        _ kind: MessageKind, within timeout: Duration, _ frames: (Int) throws -> [[UInt8]]
    ) async throws -> Answer {
        var attempts = Attempts(within: timeout)
        while !isClosed, let end = attempts.next() {
            try Task.checkCancellation()
            let id = newRequest()
            defer { forget(id) }
            try await send(kind, id, try frames(attempts.count), until: end)
            if let message = try await next(id, until: end) {
                do throws(ProtocolError) {
                    return try Answer(message)
                } catch {
                    guard error.code == .overloaded, end < attempts.deadline else { throw error }
                    // It is overloaded, so the retry comes no sooner than after a missing answer.
                    try await Task.sleep(until: end)
                }
            } else {
                try checkConnection()
            }
        }
        throw DaybookError.noAnswer(from: endpoint, within: timeout)
    }

    /// Calls an operation of a process, and returns the answer.
    ///
    /// - Parameter argument: returns the argument, for the number of the attempt, from 1. By
    ///   default it is empty. A call without an answer is repeated.
    /// - Throws: the `ProtocolError` of an error answer, `unavailable` if no answer comes within
    ///   `timeout`.
    public func call(
        _ name: String, within timeout: Duration,
        _ argument: (Int) throws -> [UInt8] = { _ in [] }
    ) async throws -> [UInt8] {
        try await frames(of: name, within: timeout, argument).first ?? []
    }

    /// Calls an operation as ``call(_:within:_:)`` does, and returns all frames of the answer.
    func frames(
        of name: String, within timeout: Duration, _ argument: (Int) throws -> [UInt8]
    ) async throws -> [[UInt8]] {
        try await request(.call, within: timeout) { attempt in
            let argument = try argument(attempt)
            // The process would close the connection of a longer message without an answer.
            guard argument.count <= argumentBytes else {
                throw ProtocolError(
                    .invalid,
                    "the argument of \(name) has \(argument.count) bytes; a call has up to "
                        + "\(argumentBytes)")
            }
            return [Array(name.utf8), argument]
        }.body
    }

    /// Calls an operation with an argument in JSON, and returns its answer, which is JSON, too.
    nonisolated func call<Answer: Decodable>(
        _ name: String, within timeout: Duration, json argument: some Encodable
    ) async throws -> Answer {
        let argument = try JSON.encode(argument)
        return try JSON.decode(from: try await call(name, within: timeout) { _ in argument })
    }

    /// Checks why no answer came.
    ///
    /// - Throws: `unavailable` if the process has refused the connection and not answered since.
    func checkConnection() throws {
        try reconnectIfRefused()
        if let refusal { throw DaybookError(.unavailable, refusal) }
    }

    private func reconnectIfRefused() throws {
        if let failure = try socket.reconnectIfRefused() { refusal = failure }
    }

    func forget(_ id: UInt64) { inboxes[id] = nil }

    func newRequest() -> UInt64 {
        lastRequestID += 1
        inboxes[lastRequestID] = Inbox()
        if receiving == nil { startReceiving(until: .now + Self.attempt) }
        return lastRequestID
    }

    func send(
        _ kind: MessageKind, _ id: UInt64, _ frames: [[UInt8]],
        until deadline: ContinuousClock.Instant
    ) async throws {
        let message = [MessageHeader(kind, requestID: id).bytes] + frames
        // A message to a connection that was refused would never be sent.
        try reconnectIfRefused()
        while try !socket.send(message) {
            guard try await socket.writable(until: deadline) else { return }
        }
    }

    /// Returns the next message for the request, or nil at the deadline or when the connection is
    /// closed.
    func next(
        _ id: UInt64, until deadline: ContinuousClock.Instant?
    ) async throws -> [[UInt8]]? {
        try Task.checkCancellation()
        guard let inbox = inboxes[id] else { return nil }
        if let message = inbox.takeMessage() { return message }
        if let deadline, deadline < nextDeadline { startReceiving(until: deadline) }
        let message: [[UInt8]]? = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // Checked here, because other tasks may have run while this one was suspended.
                if let message = inbox.takeMessage() {
                    continuation.resume(returning: message)
                } else if isClosed || Task.isCancelled || inboxes[id] == nil {
                    continuation.resume(returning: nil)
                } else {
                    inbox.waiter = continuation
                    inbox.deadline = deadline
                }
            }
        } onCancel: {
            Task(executorPreference: loop) { await self.cancelWait(id) }
        }
        if message == nil { try Task.checkCancellation() }
        return message
    }

    private func cancelWait(_ id: UInt64) { inboxes[id]?.resume(nil) }

    /// Starts to receive messages, and to check deadlines from `deadline` on.
    private func startReceiving(until deadline: ContinuousClock.Instant) {
        nextDeadline = deadline
        receiving?.cancel()
        receiving = Task(executorPreference: loop) { await self.receive() }
    }

    /// Passes incoming messages to their requests, until it is cancelled.
    private func receive() async {
        while !Task.isCancelled {
            while let message = try? socket.receiveMessage() { deliver(message) }
            if ContinuousClock.now >= nextDeadline {
                endOverdue()
                // No request is open: stop receiving until the next one. This releases a client
                // that was not closed but has no references left.
                guard !inboxes.isEmpty else {
                    receiving = nil
                    return
                }
            }
            guard (try? await socket.readable(until: nextDeadline)) != nil else { return }
        }
    }

    /// Resumes callers whose deadline has passed.
    private func endOverdue() {
        let now = ContinuousClock.now
        nextDeadline = now + Self.attempt
        for inbox in inboxes.values {
            guard let deadline = inbox.deadline else { continue }
            if deadline <= now {
                inbox.resume(nil)
            } else {
                nextDeadline = min(nextDeadline, deadline)
            }
        }
    }

    private func deliver(_ message: [[UInt8]]) {
        guard let first = message.first, let header = try? MessageHeader(first.span) else { return }
        refusal = nil
        // The answer to an abandoned request is dropped.
        inboxes[header.requestID]?.deliver(message)
    }
}

/// The attempts to get an answer before a deadline.
///
/// Each waits twice as long as the one before it, because a slower process could otherwise never
/// answer in time.
struct Attempts {
    let deadline: ContinuousClock.Instant
    /// The number of the current attempt, from 1.
    private(set) var count = 0

    init(within timeout: Duration) { deadline = .now + timeout }

    /// Begins another attempt, and returns its end, or nil after the deadline.
    mutating func next() -> ContinuousClock.Instant? {
        let now = ContinuousClock.now
        guard now < deadline else { return nil }
        defer { count += 1 }
        return min(deadline, now + RequestClient.attempt * (1 << min(count, 6)))
    }
}
