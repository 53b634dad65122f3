public import EventLog
import EventSourcing
import Foundation
import WireProtocol
public import ZeroMQ

/// The event store's end of the wire: a ROUTER that takes requests and an XPUB that is the feed, on
/// one thread with the log they serve.
///
/// All appends that wait when the thread looks are staged one after the other, made durable by one
/// sync, and only then answered and published: the more clients wait, the more share a sync.
public actor EventStoreServer {
    /// At most this many requests are taken in a turn; then the log is synced and the readers served.
    private static let turn = 1024
    /// A client may have this many reads open.
    private static let readsPerClient = 64
    /// A read that is granted nothing for so long is forgotten.
    private static let readPatience: Duration = .seconds(300)

    struct Answer {
        let peer: [UInt8]
        let requestID: UInt64
        let kind: MessageKind
        let frames: [[UInt8]]
    }

    private var log: EventLog
    private let requests: Socket
    private let feed: Socket
    private let loop: SocketLoop
    private var reads: [ReadKey: ReadSession] = [:]
    private var answers: [Answer] = []
    /// How often each prefix is subscribed to.
    private var prefixes: [[UInt8]: Int] = [:]
    private let feedEndpoint: String

    public nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe loop.asUnownedSerialExecutor()
    }

    /// Opens the log and binds both endpoints.
    ///
    /// - Parameter advertised: the endpoint at which clients reach the feed, if it is another than
    ///   the one it is bound to.
    public init(
        endpoint: String, feed feedEndpoint: String, advertised: String? = nil,
        on loop: SocketLoop, in context: Context, openLog: @Sendable () throws -> EventLog
    ) async throws {
        self.loop = loop
        self.feedEndpoint = advertised ?? feedEndpoint
        log = try openLog()
        var options = Socket.Options()
        options.sendHighWaterMark = 10_000
        options.receiveHighWaterMark = 10_000
        options.maximumMessageBytes = Int64(Limits.appendBytes + (64 << 10))
        requests = try Socket(.router, on: loop, in: context, options: options)
        try requests.bind(endpoint)
        feed = try Socket(.xpub, on: loop, in: context, options: options)
        try feed.bind(feedEndpoint)
    }

    /// Serves until cancelled.
    ///
    /// - Throws: when the log can't be written. The process should end: nothing that was not answered
    ///   may be relied on.
    public func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.serveRequests() }
            group.addTask { try await self.serveFeed() }
            try await group.next()
            group.cancelAll()
        }
    }

    private func serveRequests() async throws {
        while true {
            try Task.checkCancellation()
            var taken = 0
            while taken < Self.turn, let message = try requests.receiveMessage() {
                handle(message)
                taken += 1
            }
            let committed = try log.commit()
            sendAnswers()
            try publish(committed)
            let hasRead = serveReads()
            guard taken == 0, !hasRead else {
                // Others on this thread have their turn, too.
                await Task.yield()
                continue
            }
            _ = try await requests.readable()
        }
    }

    // MARK: Requests

    private func handle(_ message: [[UInt8]]) {
        // A ROUTER's first frame names the peer.
        guard let peer = message.first else { return }
        var requestID: UInt64 = 0
        do {
            guard message.count >= 2 else {
                throw ProtocolError(.malformed, "a message begins with a header frame")
            }
            let first = message[1]
            let header = try MessageHeader(first.span)
            requestID = header.requestID
            guard header.version == MessageHeader.version else {
                throw ProtocolError(
                    .version,
                    "this process speaks protocol version \(MessageHeader.version), not "
                        + "\(header.version)")
            }
            try handle(header, Array(message.dropFirst(2)), from: peer)
        } catch {
            let problem = error as? ProtocolError ?? ProtocolError(.internal, "\(error)")
            answer(peer, requestID, .error, [problem.bytes])
        }
    }

    private func handle(
        _ header: MessageHeader, _ body: [[UInt8]], from peer: [UInt8]
    ) throws {
        func need(_ count: Int) throws(ProtocolError) {
            guard body.count == count else {
                throw ProtocolError(
                    .malformed,
                    "\(header.kind) has \(count) frames behind its header, not \(body.count)")
            }
        }
        let key = ReadKey(peer: peer, requestID: header.requestID)
        switch header.kind {
        case .hello:
            try need(1)
            answer(peer, header.requestID, .welcome, [try welcome()])
        case .append:
            try need(2)
            let appended = try append(body[1], try AppendCondition(body[0][...]))
            answer(peer, header.requestID, .appended, [appended.bytes])
        case .read:
            try need(1)
            try startRead(key, try ReadRequest(body[0][...]))
        case .credit:
            try need(1)
            guard body[0].count == 4 else {
                throw ProtocolError(.malformed, "a credit has 4 bytes")
            }
            let frame = body[0]
            let granted = frame.span.uint32(at: 0)
            // A read that has ended meanwhile needs none.
            reads[key]?.grant(granted)
        case .cancel:
            reads[key] = nil
        case .call:
            try need(2)
            answer(peer, header.requestID, .result, [try call(body[0], body[1])])
        case .welcome, .appended, .chunk, .result, .error:
            throw ProtocolError(.malformed, "\(header.kind) is an answer, not a request")
        }
    }

    private func welcome() throws -> [UInt8] {
        let welcome = Welcome(
            version: MessageHeader.version, server: "event-store", log: log.id, head: log.head,
            feed: feedEndpoint)
        return Array(try JSONEncoder().encode(welcome))
    }

    /// The call `event`: its argument an id, its answer the record, or nothing.
    private func call(_ name: [UInt8], _ argument: [UInt8]) throws -> [UInt8] {
        guard name == Array("event".utf8) else {
            let name = String(decoding: name, as: UTF8.self)
            throw ProtocolError(.notFound, "the event store has no call '\(name)'; it has event")
        }
        guard let id = EventID(String(decoding: argument, as: UTF8.self)) else {
            throw ProtocolError(.invalid, "the argument of event is a UUID")
        }
        return Array(try log.committedEvent(id: id)?.bytes ?? [])
    }

    private func append(
        _ records: [UInt8], _ condition: AppendCondition
    ) throws(ProtocolError) -> Appended {
        do {
            return try log.stage(records.span, condition)
        } catch {
            throw ProtocolError(error)
        }
    }

    /// Answers when what it says is true of the disk: after the next commit.
    private func answer(
        _ peer: [UInt8], _ requestID: UInt64, _ kind: MessageKind, _ frames: [[UInt8]]
    ) {
        answers.append(Answer(peer: peer, requestID: requestID, kind: kind, frames: frames))
    }

    private func sendAnswers() {
        for answer in answers { _ = send(answer) }
        answers.removeAll(keepingCapacity: true)
    }

    /// False if the client has gone, or does not read: then it must ask again, and only it suffers.
    private func send(_ answer: Answer) -> Bool {
        let header = MessageHeader(answer.kind, requestID: answer.requestID).bytes
        return (try? requests.send([answer.peer, header] + answer.frames)) ?? false
    }

    // MARK: Reads

    private func startRead(_ key: ReadKey, _ request: ReadRequest) throws(ProtocolError) {
        guard reads.keys.count(where: { $0.peer == key.peer }) < Self.readsPerClient else {
            throw ProtocolError(
                .overloaded, "a client has up to \(Self.readsPerClient) reads open; end one first")
        }
        reads[key] = ReadSession(request)
    }

    /// Sends one chunk of each read that has credit; false if there was none.
    private func serveReads() -> Bool {
        var hasRead = false
        let now = ContinuousClock.now
        for (key, session) in reads {
            guard session.credit > 0 else {
                if now - session.lastGrant > Self.readPatience { reads[key] = nil }
                continue
            }
            hasRead = true
            reads[key] = serve(session, key)
        }
        return hasRead
    }

    /// The read as it goes on, or nil when it has ended.
    private func serve(_ session: ReadSession, _ key: ReadKey) -> ReadSession? {
        var session = session
        let chunk: LogChunk
        do {
            chunk = try log.read(session.next)
        } catch {
            let problem = ProtocolError(.damaged, error.description).bytes
            _ = send(
                Answer(peer: key.peer, requestID: key.requestID, kind: .error, frames: [problem]))
            return nil
        }
        let header = session.advance(chunk, head: log.head)
        let records = chunk.events.flatMap(\.bytes)
        let answer = Answer(
            peer: key.peer, requestID: key.requestID, kind: .chunk, frames: [header.bytes, records])
        return send(answer) && !header.isLast ? session : nil
    }

    // MARK: The feed

    private func serveFeed() async throws {
        while true {
            try heartbeat()
            let next = ContinuousClock.now + Feed.heartbeatInterval
            while try await feed.readable(until: next) {
                while let message = try feed.receiveMessage() { noteSubscription(message[0]) }
            }
        }
    }

    private func noteSubscription(_ message: [UInt8]) {
        guard let first = message.first else { return }
        let prefix = Array(message.dropFirst())
        let count = (prefixes[prefix] ?? 0) + (first == 1 ? 1 : -1)
        prefixes[prefix] = count > 0 ? count : nil
    }

    private func heartbeat() throws {
        let now = Timestamp(microseconds: Int64(Date.now.timeIntervalSince1970 * 1_000_000))
        let heartbeat = Heartbeat(head: log.head, time: now, log: log.id)
        _ = try feed.send([Array(Feed.heartbeatTopic.utf8), heartbeat.bytes])
    }

    /// Publishes the committed records that somebody subscribes to.
    private func publish(_ committed: [UInt8]) throws {
        guard !committed.isEmpty, !prefixes.isEmpty else { return }
        for event in try RecordSequence(committed[...]) {
            let topic = Array("\(event.category).\(event.type)".utf8)
            guard prefixes.keys.contains(where: topic.starts(with:)) else { continue }
            _ = try feed.send([topic, Array(event.bytes)])
        }
    }
}
