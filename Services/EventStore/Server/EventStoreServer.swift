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
    /// How long the costly conditions of one client may take between two heartbeats. The server
    /// rejects further ones.
    private static let checkingTime: Duration = .milliseconds(50)
    /// From which duration on a condition is costly.
    private static let costlyCheck: Duration = .microseconds(100)

    var log: EventLog
    let durability: Durability
    let startedAt = ContinuousClock.now
    let headAtStart: UInt64
    var amendments: Amendments
    var counts = Counts()
    var reads = ReadTable()
    let sealedReads = SealedReads()
    let sealedSignal = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    /// What waits to be sent to clients.
    var outboxes: Outboxes
    /// The clients that have read some of what was sent, and whose reads wait for that.
    let freed = AsyncStream<PeerName>.makeStream()
    /// How long the costly conditions of each client have taken since the last heartbeat.
    private var checking: [CallerLane: Duration] = [:]
    let chain = ChainHashing()
    var chainsWaiting = 0
    let calls: CallTable
    var waitingCalls = FairQueue<ReceivedCall>()
    /// How many calls run.
    var runningCalls = 0
    let callSignal = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    /// Failures of the log while the process itself appends, which end the server.
    let failures = AsyncStream.makeStream(of: (any Error).self)
    let feedEndpoint: String
    let busEndpoint: String?
    let access: AccessControl
    let requests: Socket
    /// Whether the request loop waits for requests.
    private(set) var isIdle = false
    /// The requests that wait for their turn.
    var backlog = RequestBacklog()
    let feed: Socket
    var topics = FeedTopics()
    /// The bytes that wait for subscribers.
    let unsentToFeed = UnsentBytes.Total()
    let feedOutbox: UnsentBytes
    /// Takes the records of each committed group, back to back.
    let onCommit: @Sendable ([UInt8]) -> Void
    /// The answers that wait for the next commit, so that what they say is durable.
    private var answers: [(key: ReadKey, caller: Caller, body: AnswerBody)] = []

    private enum AnswerBody {
        case appended(Appended)
        case other(MessageKind, [UInt8])
    }

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
    ///   - onCommit: takes the records of each committed group, back to back.
    /// - Throws: the error of `openLog`, or `ZeroMQError` if an endpoint can't be bound.
    public init(
        endpoint: String, feed feedEndpoint: String, advertised: String? = nil,
        bus busEndpoint: String? = nil, durability: Durability = .sync, on loop: SocketLoop,
        in context: Context, access: AccessControl = .none,
        report: @escaping @Sendable (String) -> Void = { _ in },
        onCommit: @escaping @Sendable ([UInt8]) -> Void = { _ in },
        openLog: @Sendable () throws -> EventLog
    ) async throws {
        self.loop = loop
        self.access = access
        self.onCommit = onCommit
        calls = CallTable(of: "the event store", access: access)
        // Chunks of reads have half of it.
        outboxes = Outboxes(bytesOfCaller: 128 << 20) { [freed] in
            freed.continuation.yield($0)
        }
        feedOutbox = UnsentBytes(in: unsentToFeed)
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
        options.unsent = unsentToFeed
        // libzmq keeps about 90 bytes for each byte of a topic.
        options.maximumMessageBytes = 2048
        feed = try Socket(.xpub, on: loop, in: context, options: options)
        try feed.bind(feedEndpoint)
    }

    private static var options: Socket.Options {
        var options = Socket.Options()
        options.sendHighWaterMark = 10_000
        options.receiveHighWaterMark = 10_000
        // More than an append may have, so that one that is too long gets an answer. libzmq closes
        // the connection of a longer message without one, before it allocates memory for it.
        options.maximumMessageBytes = Int64(Limits.appendBytes + (1 << 20))
        options.unhandledBytes = 96 << 20
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
                group.addTask(executorPreference: loop) { try await self.servePausedReads() }
                group.addTask(executorPreference: loop) { try await self.serveCalls() }
                group.addTask { [failures] in
                    for await error in failures.stream { throw error }
                    throw CancellationError()
                }
                try await group.next()
                group.cancelAll()
            }
        } catch is CancellationError {
            rejectWaiting()
            try log.close()
            await outboxes.flush()
            throw CancellationError()
        }
    }

    private func serveRequests() async throws {
        while true {
            try Task.checkCancellation()
            let hasTaken = try takeRequests()
            let committed = try commit()
            sendAnswers()
            try publish(committed)
            let hasRead = serveReads()
            guard !hasTaken, !hasRead else {
                // Yield to the other tasks on this thread.
                await Task.yield()
                continue
            }
            isIdle = true
            defer { isIdle = false }
            _ = try await requests.readable()
        }
    }

    /// Answers the requests that wait, so that their clients do not wait for an answer.
    private func rejectWaiting() {
        let error = ProtocolError(describing: CancellationError())
        // Those that have come by now. A flood would not end.
        for _ in 0..<16 { try? drain() }
        while let request = backlog.popFirst() {
            counts.requests[request.head.kind, default: 0] += 1
            guard request.head.kind?.hasAnswer == true else { continue }
            let key = ReadKey(peer: request.peer, requestID: request.head.id)
            send(key, .error, countedBody(of: error), to: request.caller)
        }
        while let call = waitingCalls.popFirst() {
            calls.end(call.lane, bytes: call.bytes)
            send(call.key, .error, countedBody(of: error), to: call.caller)
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

    /// Handles a message.
    ///
    /// - Parameters:
    ///   - first: the first frame of a body of two.
    ///   - last: the last frame of the body. A cancel may have none.
    ///   - bodyFrames: the number of frames behind the header.
    ///   - connection: the connection of a request that begins a read.
    func handle(
        _ head: RequestHead, _ first: Span<UInt8>, _ last: Span<UInt8>, bodyFrames: Int,
        from peer: PeerName, by connection: Connection?, _ caller: Caller
    ) {
        let key = ReadKey(peer: peer, requestID: head.id)
        defer { counts.requests[head.kind, default: 0] += 1 }
        do throws(ProtocolError) {
            let kind = try head.checkedKind.get()
            try kind.check(bodyFrames: bodyFrames)
            // A client that does not read its answers can't read this one either.
            guard !kind.hasAnswer || outboxes.room(for: 1, to: peer, caller) != nil else {
                return ProcessCounters.shared.noteDroppedAnswer()
            }
            try handle(kind, first, last, key, by: connection, caller)
        } catch {
            access.note(error, of: caller)
            answers.append((key, caller, .other(.error, countedBody(of: error))))
        }
    }

    /// Handles a request whose frames have the right number.
    private func handle(
        _ kind: MessageKind, _ first: Span<UInt8>, _ last: Span<UInt8>, _ key: ReadKey,
        by connection: Connection?, _ caller: Caller
    ) throws(ProtocolError) {
        switch kind {
        case .append:
            let condition = first.isEmpty ? .any : try AppendCondition(first.array[...])
            answers.append((key, caller, .appended(try append(last, condition, caller, key))))
        case .appendMany:
            answers.append((key, caller, .other(.appendedMany, try appendMany(last, caller, key))))
        case .hello:
            answers.append((key, caller, .other(.welcome, try welcome(last.array, caller))))
        case .read:
            // Even the copy of a longer frame would take long.
            guard last.count <= EventQuery.wireBytes else { throw EventQuery.tooLarge }
            let request = try ReadRequest(last.array[...])
            try caller.checkRead(request.query)
            try reads.start(
                ReadSession(request, of: caller, by: connection, size: last.count), key)
        case .credit:
            guard last.count == 4 else {
                throw ProtocolError(.malformed, "a credit must have 4 bytes")
            }
            // A read that has ended in the meantime needs no credit.
            reads.grant(last.uint32(at: 0), key)
        case .cancel:
            reads.end(key)
        case .call:
            let call = ReceivedCall(
                key: key, caller: caller, name: first.array, argument: last.array)
            try calls.begin(call.lane, bytes: call.bytes)
            waitingCalls.append(call, to: call.lane)
            callSignal.continuation.yield()
        case .welcome, .appended, .appendedMany, .chunk, .result, .error:
            throw ProtocolError(.malformed, "\(kind) is an answer, not a request")
        }
    }

    private func append(
        _ records: Span<UInt8>, _ condition: AppendCondition, _ caller: Caller, _ key: ReadKey
    ) throws(ProtocolError) -> Appended {
        try check(records, condition, of: caller)
        guard condition.noneMatching != nil else { return try stage(records, condition) }
        let lane = CallerLane(caller, key.peer)
        guard checking[lane, default: .zero] < Self.checkingTime else {
            throw ProtocolError(
                .overloaded,
                "the conditions of this client take too long to check; retry later, and set after "
                    + "to a later position")
        }
        let start = ContinuousClock.now
        defer {
            let duration = ContinuousClock.now - start
            if duration >= Self.costlyCheck { checking[lane, default: .zero] += duration }
        }
        return try stage(records, condition)
    }

    private func stage(
        _ records: Span<UInt8>, _ condition: AppendCondition
    ) throws(ProtocolError) -> Appended {
        do throws(AppendError) {
            let appended = try log.stage(records, condition)
            counts.appends += 1
            return appended
        } catch {
            throw ProtocolError(error)
        }
    }

    /// Starts a new interval for the limits that concern the time between two heartbeats.
    func startInterval() {
        checking = [:]
        outboxes.forgetIdle()
    }

    /// Accepts or rejects each append in `frame`, in order.
    private func appendMany(
        _ frame: Span<UInt8>, _ caller: Caller, _ key: ReadKey
    ) throws(ProtocolError) -> [UInt8] {
        var outcomes: [UInt8] = []
        for part in try AppendPart.read(frame) {
            let outcome = Result { () throws(ProtocolError) in
                try append(
                    frame.extracting(part.records), try AppendCondition(part.condition[...]),
                    caller, key)
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
        for answer in answers {
            switch answer.body {
            case .appended(let appended):
                send(answer.key, .appended, appended.encoded.span, to: answer.caller)
            case .other(let kind, let body):
                send(answer.key, kind, body, to: answer.caller)
            }
        }
        answers.removeAll(keepingCapacity: true)
    }

    /// Sends an answer. Drops it if the client has disconnected or does not read. That client must
    /// ask again, and other clients are not affected.
    func send(_ key: ReadKey, _ kind: MessageKind, _ body: [UInt8], to caller: Caller) {
        send(key, kind, body.span, to: caller)
    }

    private func send(
        _ key: ReadKey, _ kind: MessageKind, _ body: Span<UInt8>, to caller: Caller
    ) {
        guard let unsent = outboxes.room(for: body.count, to: key.peer, caller) else {
            return ProcessCounters.shared.noteDroppedAnswer()
        }
        let header = MessageHeader(kind, requestID: key.requestID).encoded
        let isSent = try? requests.send(to: key.peer, header.span, body, countedBy: unsent)
        if isSent == false { ProcessCounters.shared.noteDroppedAnswer() }
    }

    /// Sends an answer of any size. Returns false if too many messages wait for the client, and nil
    /// if it has disconnected.
    func send(
        _ key: ReadKey, _ kind: MessageKind, _ body: [[UInt8]], countedBy unsent: UnsentBytes
    ) -> Bool? {
        let header = MessageHeader(kind, requestID: key.requestID).bytes
        return try? requests.send(to: key.peer, [header] + body, countedBy: unsent)
    }
}

extension MessageKind {
    /// Whether a request of this kind is answered, be it with an error.
    fileprivate var hasAnswer: Bool { self != .credit && self != .cancel }

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
