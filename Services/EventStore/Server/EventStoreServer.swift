import Bytes
import CallServer
public import EventLog
import EventSourcing
import Foundation
import Observability
public import WireProtocol
public import ZeroMQ

/// The server of the event store. It takes requests at a ROUTER socket and publishes the feed at an
/// XPUB socket, on one thread with the log.
///
/// In each step it stages all waiting appends, makes them durable by one sync, and only then
/// answers and publishes. So the more clients wait, the more appends share a sync. It reads sealed
/// segments on another thread, so that long reads delay nobody.
public actor EventStoreServer: LoopActor {
    /// The largest number of requests in a step. Then the server commits and serves readers.
    private static let requestsPerStep = 1024

    var log: EventLog
    let durability: Durability
    let startedAt = ContinuousClock.now
    let headAtStart: UInt64
    var amendments: Amendments
    var counts = Counts()
    var reads = ReadTable()
    let sealedReads = SealedReads()
    let sealedJobs = AsyncStream.makeStream(of: SealedReads.Job.self)
    let chain = ChainHashing()
    var chainsWaiting = 0
    let calls: CallTable
    let receivedCalls = AsyncStream.makeStream(of: ReceivedCall.self)
    /// Failures of the log while the process itself appends, which end the server.
    let failures = AsyncStream.makeStream(of: (any Error).self)
    let feedEndpoint: String
    let busEndpoint: String?
    let access: AccessControl
    private let requests: Socket
    let feed: Socket
    var topics = FeedTopics()
    /// The answers that wait for the next commit, so that what they say is durable.
    private var answers: [(ReadKey, MessageKind, [UInt8])] = []
    /// The thread that runs the server.
    public nonisolated let loop: SocketLoop

    /// Opens the log and binds both endpoints.
    ///
    /// - Parameters:
    ///   - advertised: the endpoint at which clients reach the feed, if it differs from the bound
    ///     one.
    ///   - bus: the endpoint at which clients reach the bus, if there is one.
    ///   - durability: the durability with which `openLog` opens the log.
    ///   - access: the permissions of the callers, by key.
    ///   - report: logs what the server can't report to a caller, in one line.
    /// - Throws: the error of `openLog`, or `ZeroMQError` if an endpoint can't be bound.
    public init(
        endpoint: String, feed feedEndpoint: String, advertised: String? = nil,
        bus busEndpoint: String? = nil, durability: Durability = .sync, on loop: SocketLoop,
        in context: Context, access: AccessControl = .none,
        report: @escaping @Sendable (String) -> Void = { _ in },
        openLog: @Sendable () throws -> EventLog
    ) async throws {
        self.loop = loop
        self.access = access
        calls = CallTable(of: "the event store", access: access)
        self.durability = durability
        self.feedEndpoint = advertised ?? feedEndpoint
        self.busEndpoint = busEndpoint
        log = try openLog()
        amendments = try Amendments(in: log, report: report)
        headAtStart = log.head
        var options = Self.options
        requests = try Socket(.router, on: loop, in: context, options: options)
        try requests.bind(endpoint)
        options.zapDomain = Feed.zapDomain
        feed = try Socket(.xpub, on: loop, in: context, options: options)
        try feed.bind(feedEndpoint)
    }

    private static var options: Socket.Options {
        var options = Socket.Options()
        options.sendHighWaterMark = 10_000
        options.receiveHighWaterMark = 10_000
        // Twice what an append may have, so that one that is too long gets an answer. libzmq closes
        // the connection of a longer message without one, before it allocates memory for it.
        options.maximumMessageBytes = Int64(2 * Limits.appendBytes)
        return options
    }

    /// Serves until cancelled, and then closes the log.
    ///
    /// - Throws: `LogError` if the log can't be written. The process should then stop: appends
    ///   without an answer may not be durable.
    public func run() async throws {
        addCalls()
        defer { calls.removeAll() }
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                // The tasks prefer the loop, so that a yield does not switch threads.
                group.addTask(executorPreference: loop) { try await self.serveRequests() }
                group.addTask(executorPreference: loop) { try await self.serveFeed() }
                group.addTask(executorPreference: loop) { try await self.serveSealedReads() }
                group.addTask(executorPreference: loop) { try await self.serveCalls() }
                group.addTask { [failures] in
                    for await error in failures.stream { throw error }
                    throw CancellationError()
                }
                try await group.next()
                group.cancelAll()
            }
        } catch is CancellationError {
            try log.close()
            throw CancellationError()
        }
    }

    private func serveRequests() async throws {
        while true {
            try Task.checkCancellation()
            var taken = 0
            while taken < Self.requestsPerStep, try takeRequest() { taken += 1 }
            let committed = try commit()
            sendAnswers()
            try publish(committed)
            let hasRead = serveReads()
            guard taken == 0, !hasRead else {
                // Yield to the other tasks on this thread.
                await Task.yield()
                continue
            }
            _ = try await requests.readable()
        }
    }

    /// Commits the staged events, and records how long that took if there were any.
    func commit() throws -> [UInt8] {
        let start = ContinuousClock.now
        let committed = try log.commit()
        if !committed.isEmpty {
            counts.commits.observe(.now - start)
            counts.committedBytes += UInt64(committed.count)
            try amendments.apply(committed, in: log)
        }
        return committed
    }

    // MARK: Requests

    /// Receives and handles one message. Returns false if none waits. The last frame may be large,
    /// so it is not copied.
    private func takeRequest() throws(ZeroMQError) -> Bool {
        // A ROUTER's first frame names the peer.
        guard let peer = try requests.receive() else { return false }
        var frames: [[UInt8]] = []
        var last = Frame()
        var sender: String?
        var isAccepted = true
        var hasMore = peer.hasMore
        var count = 0
        while hasMore, let next = try requests.receive() {
            hasMore = next.hasMore
            count += 1
            if count == 1 { (sender, isAccepted) = (next.sender, requests.accepts(next)) }
            if hasMore { frames.append(next.array()) } else { last = next }
        }
        // Messages of a revoked key are dropped.
        if isAccepted, let caller = access.caller(sender) {
            handle(frames, last, frameCount: count, from: peer.array(), caller)
        }
        return true
    }

    private func handle(
        _ frames: [[UInt8]], _ last: borrowing Frame, frameCount: Int, from peer: [UInt8],
        _ caller: Caller
    ) {
        let head = RequestHead(frameCount > 0 ? frames.first ?? last.array() : nil)
        let key = ReadKey(peer: peer, requestID: head.id)
        defer { counts.requests[head.kind, default: 0] += 1 }
        do throws(ProtocolError) {
            let kind = try head.checkedKind.get()
            try kind.check(bodyFrames: frameCount - 1)
            try handle(kind, frames, last, key, caller)
        } catch {
            access.note(error, of: caller)
            answers.append((key, .error, countedBody(of: error)))
        }
    }

    /// Handles a request whose frames have the right number.
    ///
    /// - Parameters:
    ///   - frames: the header and the body without its last frame.
    ///   - last: the last frame of the body. A cancel may have none.
    private func handle(
        _ kind: MessageKind, _ frames: [[UInt8]], _ last: borrowing Frame, _ key: ReadKey,
        _ caller: Caller
    ) throws(ProtocolError) {
        switch kind {
        case .append:
            let condition = try AppendCondition(frames[1][...])
            let appended = try last.withBytes { records throws(ProtocolError) in
                try append(records, condition, caller)
            }
            answers.append((key, .appended, appended.bytes))
        case .appendMany:
            let outcomes = try last.withBytes { frame throws(ProtocolError) in
                try appendMany(frame, caller)
            }
            answers.append((key, .appendedMany, outcomes))
        case .hello:
            answers.append((key, .welcome, try welcome(last.array(), caller)))
        case .read:
            let request = try ReadRequest(last.array()[...])
            try caller.checkRead(request.query)
            try reads.start(ReadSession(request, of: caller), key)
        case .credit:
            let frame = last.array()
            guard frame.count == 4 else {
                throw ProtocolError(.malformed, "a credit must have 4 bytes")
            }
            // A read that has ended in the meantime needs no credit.
            reads.grant(frame.span.uint32(at: 0), key)
        case .cancel:
            reads.end(key)
        case .call:
            try calls.begin(caller)
            receivedCalls.continuation.yield(
                ReceivedCall(key: key, caller: caller, name: frames[1], argument: last.array()))
        case .welcome, .appended, .appendedMany, .chunk, .result, .error:
            throw ProtocolError(.malformed, "\(kind) is an answer, not a request")
        }
    }

    private func append(
        _ records: Span<UInt8>, _ condition: AppendCondition, _ caller: Caller
    ) throws(ProtocolError) -> Appended {
        try check(records, condition, of: caller)
        do throws(AppendError) {
            let appended = try log.stage(records, condition)
            counts.appends += 1
            return appended
        } catch {
            throw ProtocolError(error)
        }
    }

    /// Accepts or rejects each append in `frame`, in order.
    private func appendMany(
        _ frame: Span<UInt8>, _ caller: Caller
    ) throws(ProtocolError) -> [UInt8] {
        var outcomes: [UInt8] = []
        for part in try AppendPart.read(frame) {
            let outcome = Result { () throws(ProtocolError) in
                try append(
                    frame.extracting(part.records), try AppendCondition(part.condition[...]),
                    caller)
            }
            if case .failure(let error) = outcome {
                counts.errors[error.code, default: 0] += 1
                access.note(error, of: caller)
            }
            AppendOutcomes.add(outcome, to: &outcomes)
        }
        return outcomes
    }

    /// Counts the error, and returns it as the body of an answer.
    func countedBody(of error: ProtocolError) -> [UInt8] {
        counts.errors[error.code, default: 0] += 1
        return error.bytes
    }

    private func sendAnswers() {
        for (key, kind, body) in answers { send(key, kind, body) }
        answers.removeAll(keepingCapacity: true)
    }

    /// Sends an answer. Returns false if the client has disconnected or does not read. That client
    /// must ask again, and other clients are not affected.
    @discardableResult
    func send(_ key: ReadKey, _ kind: MessageKind, _ body: [UInt8]...) -> Bool {
        let header = MessageHeader(kind, requestID: key.requestID).bytes
        return (try? requests.send([key.peer, header] + body)) ?? false
    }
}

extension MessageKind {
    /// Throws `malformed` if a request of this kind has another number of frames after its header.
    fileprivate func check(bodyFrames found: Int) throws(ProtocolError) {
        let count =
            switch self {
            case .append, .call: 2
            case .hello, .read, .credit, .appendMany: 1
            // The body of a cancel is ignored, and an answer is rejected whatever it has.
            case .cancel, .welcome, .appended, .appendedMany, .chunk, .result, .error: found
            }
        guard found == count else {
            throw ProtocolError(
                .malformed, "\(self) has \(count) frames after its header, not \(found)")
        }
    }
}
