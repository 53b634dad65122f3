import DequeModule
import EventSourcing
import WireProtocol
public import ZeroMQ

/// A connection to a process: requests go out, and what comes back finds who asked. Callers on its
/// loop pay for no change of threads.
///
/// It reconnects by itself. `close` ends it at once. A client without references ends some seconds
/// after its last request.
public actor RequestClient {
    /// How long the answer to a first attempt is waited for before the request is sent again.
    static let attempt: Duration = .seconds(2)
    /// The same for the `count`th: twice as long each time, or a process that is slower than that
    /// would never be heard.
    static func patience(_ count: Int) -> Duration { attempt * (1 << min(count - 1, 6)) }
    /// The store lets a client have few reads open; more wait here, in their order.
    private static let openReads = 32

    /// What has come for a request, and who waits for more. An object, so that one look-up finds it
    /// for all that is done with it.
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
    ///
    /// - Parameter peer: its name, which it must prove over TCP if the context has keys.
    public init(
        endpoint: String, to peer: String, on loop: SocketLoop, in context: Context
    ) async throws {
        self.loop = loop
        self.endpoint = endpoint
        socket = try Socket(.dealer, on: loop, in: context)
        try socket.connect(endpoint, to: peer)
    }

    /// Ends what is under way: it fails as unavailable.
    public func close() {
        isClosed = true
        receiving?.cancel()
        for inbox in inboxes.values { inbox.resume(nil) }
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
            if inboxes[id]?.takeMessage() != nil { passOnPlace() }
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
            if let inbox = inboxes[next] { return inbox.deliver([]) }
        }
        readsOpen -= 1
    }

    // MARK: Requests

    /// Asks until an answer comes, and again if there is too much to do; only for what may be asked
    /// more than once.
    ///
    /// - Parameter frames: what stands behind the header, given the number of the attempt, from 1.
    /// - Throws: `ProtocolError` for a refusal, `Unavailable` if no answer comes within `timeout`.
    func request(
        _ kind: MessageKind, within timeout: Duration, _ frames: (Int) throws -> [[UInt8]]
    ) async throws -> Answer {
        var now = ContinuousClock.now
        let deadline = now + timeout
        var attempts = 0
        while !isClosed, now < deadline {
            try Task.checkCancellation()
            attempts += 1
            let id = newRequest()
            defer { forget(id) }
            try await send(kind, id, try frames(attempts), until: deadline)
            let end = min(deadline, now + Self.patience(attempts))
            if let message = try await next(id, until: end) {
                do throws(ProtocolError) {
                    return try Answer(message)
                } catch {
                    guard error.code == .overloaded, end < deadline else { throw error }
                    // It has enough to do: it is asked no sooner than if it had not answered.
                    try await Task.sleep(until: end)
                }
            }
            now = .now
        }
        throw DaybookError.noAnswer(from: endpoint, within: timeout)
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
        guard let inbox = inboxes[id] else { return nil }
        if let message = inbox.takeMessage() { return message }
        if let deadline, deadline < nextDeadline { startReceiving(until: deadline) }
        let message: [[UInt8]]? = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // Looked at here: others may have had their turn while this task suspended.
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

    /// Resumes who has waited long enough.
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
        // Nobody waits for the answer to a request that was given up.
        inboxes[header.requestID]?.deliver(message)
    }
}
