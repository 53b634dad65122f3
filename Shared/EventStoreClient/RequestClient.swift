import DequeModule
import EventSourcing
import WireProtocol
public import ZeroMQ

/// A connection to a process: requests go out, and what comes back finds who asked. Callers on its
/// loop pay for no change of threads.
///
/// It reconnects by itself. Call `close` when done with it.
public actor RequestClient {
    /// How long the answer to a first attempt is waited for before the request is sent again.
    static let attempt: Duration = .seconds(2)
    /// The same for the `count`th: twice as long each time, or a process that is slower than that
    /// would never be heard.
    static func patience(_ count: Int) -> Duration { attempt * (1 << min(count - 1, 6)) }
    /// The store lets a client have few reads open; more wait here, in their order.
    private static let openReads = 32

    /// What has come for a request, and who waits for more.
    private struct Inbox {
        var messages: [[[UInt8]]] = []
        var waiter: CheckedContinuation<[[UInt8]]?, Never>?
        var deadline: ContinuousClock.Instant?
    }

    private let socket: Socket
    nonisolated let loop: SocketLoop
    public nonisolated let endpoint: String
    private var inboxes: [UInt64: Inbox] = [:]
    private var readsOpen = 0
    private var waitingReads: Deque<UInt64> = []
    private var lastRequestID: UInt64 = 0
    private var receiving: Task<Void, Never>?
    /// No request's deadline is earlier: none need be looked at before.
    private var nextDeadline: ContinuousClock.Instant = .now
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

    /// Takes a place for a read and the id of its request; nil when the connection is closed.
    /// The place is to be given up by `endRead`.
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
            // The place may have come at the same time.
            if takeMessage(id) != nil { passOnPlace() }
            forget(id)
            throw error
        }
        forget(id)
        return nil
    }

    /// Ends a read, at the store too if need be; its place goes to the one that waits longest.
    func endRead(_ id: UInt64, isFinished: Bool) async {
        forget(id)
        if !isFinished { _ = try? await send(.cancel, id, [], until: .now + Self.attempt) }
        passOnPlace()
    }

    private func passOnPlace() {
        while let next = waitingReads.popFirst() {
            // One that was cancelled is forgotten.
            if inboxes[next] != nil { return deliver([], to: next) }
        }
        readsOpen -= 1
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
            let patience = Self.patience(attempts)
            if let message = try await next(id, until: min(deadline, .now + patience)) {
                return try Answer(message)
            }
        }
        throw Unavailable(endpoint: endpoint, timeout: timeout)
    }

    /// The answer to a call of a service.
    ///
    /// - Parameter argument: JSON, given the number of the attempt, from 1: a call whose answer
    ///   does not come is made again.
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
        if receiving == nil { startReceiving(until: .now + Self.attempt) }
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

    /// The next message for the request; nil when none has come by the deadline, or the connection
    /// is closed.
    func next(
        _ id: UInt64, until deadline: ContinuousClock.Instant?
    ) async throws -> [[UInt8]]? {
        try Task.checkCancellation()
        if let message = takeMessage(id) { return message }
        if let deadline, deadline < nextDeadline { startReceiving(until: deadline) }
        let message: [[UInt8]]? = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // Looked at here: others may have had their turn while this task suspended.
                if let message = takeMessage(id) {
                    continuation.resume(returning: message)
                } else if isClosed || Task.isCancelled || inboxes[id] == nil {
                    continuation.resume(returning: nil)
                } else {
                    inboxes[id]?.waiter = continuation
                    inboxes[id]?.deadline = deadline
                }
            }
        } onCancel: {
            Task(executorPreference: loop) { await self.resume(id, nil) }
        }
        if message == nil { try Task.checkCancellation() }
        return message
    }

    private func takeMessage(_ id: UInt64) -> [[UInt8]]? {
        guard let first = inboxes[id]?.messages.first else { return nil }
        inboxes[id]?.messages.removeFirst()
        return first
    }

    private func resume(_ id: UInt64, _ message: [[UInt8]]?) {
        let waiter = inboxes[id]?.waiter
        inboxes[id]?.waiter = nil
        inboxes[id]?.deadline = nil
        waiter?.resume(returning: message)
    }

    /// Has messages received from now on, and the deadlines looked at from `deadline` on.
    private func startReceiving(until deadline: ContinuousClock.Instant) {
        nextDeadline = deadline
        receiving?.cancel()
        receiving = Task(executorPreference: loop) { await self.receive() }
    }

    /// Hands what comes to the requests it answers, until cancelled.
    private func receive() async {
        while !Task.isCancelled {
            while let message = try? socket.receiveMessage() { deliver(message) }
            if ContinuousClock.now >= nextDeadline { endOverdue() }
            guard (try? await socket.readable(until: nextDeadline)) != nil else { return }
        }
    }

    /// Resumes who has waited long enough.
    private func endOverdue() {
        let now = ContinuousClock.now
        nextDeadline = now + Self.attempt
        for (id, inbox) in inboxes {
            guard let deadline = inbox.deadline else { continue }
            if deadline <= now {
                resume(id, nil)
            } else {
                nextDeadline = min(nextDeadline, deadline)
            }
        }
    }

    private func deliver(_ message: [[UInt8]]) {
        guard let first = message.first, let header = try? MessageHeader(first.span) else { return }
        deliver(message, to: header.requestID)
    }

    private func deliver(_ message: [[UInt8]], to id: UInt64) {
        guard let inbox = inboxes[id] else { return }  // An answer to a request that was given up.
        if inbox.waiter != nil {
            resume(id, message)
        } else {
            inboxes[id]?.messages.append(message)
        }
    }
}
