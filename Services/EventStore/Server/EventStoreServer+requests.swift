import CallServer
import EventSourcing
import Observability
import WireProtocol
import ZeroMQ

extension EventStoreServer {
    /// How many requests, of how many bytes, and for how long the server takes in a step. Then it
    /// commits and serves readers.
    private static let requestsPerStep = 1024
    private static let bytesPerStep = 16 << 20
    private static let takingTime: Duration = .milliseconds(5)
    /// How long the server takes messages from its socket at a time while requests wait, and how
    /// many it takes at least. The socket gives each connection a turn.
    private static let drainingTime: Duration = .milliseconds(2)
    private static let messagesPerDrain = 256

    /// A message as received. Its frames may be large, so they are not copied.
    private struct Message: ~Copyable {
        let peer: PeerName
        let sender: String?
        let descriptor: Int32
        let head: RequestHead
        /// The frames of the body, as `handle` takes them.
        let first: Frame
        let last: Frame
        let bodyFrames: Int
        let bytes: Int

        /// The connection, or nil if it has been closed, or if the sender is in the same process.
        var connection: Connection? { Connection(descriptor) }

        /// Whether the connection has been closed.
        var isOrphan: Bool { descriptor >= 0 && connection == nil }
    }

    /// Handles the requests of a step, and returns whether there were any.
    func takeRequests() throws(ZeroMQError) -> Bool {
        let end = ContinuousClock.now + Self.takingTime
        var (taken, bytes) = (0, 0)
        func isEnough() -> Bool {
            taken >= Self.requestsPerStep || bytes >= Self.bytesPerStep || .now >= end
        }
        // While requests wait, new ones wait behind them, so that each client's stay in order.
        if !backlog.isEmpty { try drain() }
        while !isEnough(), let request = backlog.popFirst() {
            let start = ThreadClock.now
            handle(
                request.head, request.first.span, request.last.span,
                bodyFrames: request.bodyFrames, from: request.peer, by: request.connection,
                request.caller)
            backlog.charge(ThreadClock.now - start, for: request)
            taken += 1
            bytes += request.bytes
        }
        guard backlog.isEmpty else { return true }
        while !isEnough() {
            guard let message = try receiveMessage() else { return taken > 0 }
            taken += 1
            bytes += message.bytes
            guard let caller = admit(message) else { continue }
            // Only a read must end with its connection.
            let isRead = message.head.kind == .read
            if isRead, message.isOrphan { continue }
            handle(message, by: isRead ? message.connection : nil, caller)
        }
        // If requests take long, the server chooses whose turn it is. Otherwise the socket does.
        if .now >= end { try drain() }
        return true
    }

    /// Moves messages from the socket to the backlog. Rejects those for which it has no room.
    func drain() throws(ZeroMQError) {
        let end = ContinuousClock.now + Self.drainingTime
        var taken = 0
        while taken < Self.messagesPerDrain || .now < end {
            taken += 1
            guard let message = try receiveMessage() else { return }
            guard let caller = admit(message), !message.isOrphan else { continue }
            let client = CallerLane(caller, message.peer)
            let kind = message.head.kind
            let isForRead = kind == .credit || kind == .cancel
            let key = ReadKey(peer: message.peer, requestID: message.head.id)
            if isForRead, reads[key] != nil {
                handle(message, by: nil, caller)
            } else if backlog.hasRoom(for: message.bytes, of: client, isForRead: isForRead) {
                // The request that begins the read may be among those that wait.
                backlog.append(
                    WaitingRequest(
                        peer: message.peer, caller: caller, connection: message.connection,
                        isForRead: isForRead, head: message.head, first: message.first.array(),
                        last: message.last.array(), bodyFrames: message.bodyFrames,
                        bytes: message.bytes),
                    of: client)
            } else {
                reject(key, caller)
            }
        }
    }

    private func handle(
        _ message: borrowing Message, by connection: Connection?, _ caller: Caller
    ) {
        let (head, peer, bodyFrames) = (message.head, message.peer, message.bodyFrames)
        message.first.withBytes { first in
            message.last.withBytes { last in
                handle(
                    head, first, last, bodyFrames: bodyFrames, from: peer, by: connection, caller)
            }
        }
    }

    /// Rejects a request. A client that has not read its earlier answers gets none.
    private func reject(_ key: ReadKey, _ caller: Caller) {
        guard outboxes.unsent(of: key.peer, caller).bytes == 0 else {
            return ProcessCounters.shared.noteDroppedAnswer()
        }
        let error = ProtocolError(
            .overloaded, "too many requests of this client wait; retry later")
        send(key, .error, countedBody(of: error), to: caller)
    }

    /// Returns the caller of a message, or nil if the message is dropped.
    private func admit(_ message: borrowing Message) -> Caller? {
        if message.bodyFrames >= Socket.mostFrames { requests.disconnect(message.descriptor) }
        // Messages of a revoked key are dropped.
        guard requests.accepts(message.sender, message.descriptor, bytes: message.bytes) else {
            return nil
        }
        return access.caller(message.sender)
    }

    /// Returns the next message, or nil if none waits.
    private func receiveMessage() throws(ZeroMQError) -> Message? {
        // A ROUTER's first frame names the peer.
        guard let peer = try requests.receive() else { return nil }
        var head = RequestHead(nil)
        var first = Frame()
        var last = Frame()
        var sender: String?
        var descriptor: Int32 = -1
        var hasMore = peer.hasMore
        var (bodyFrames, bytes) = (-1, 0)
        while hasMore, let next = try requests.receive() {
            hasMore = next.hasMore
            bodyFrames += 1
            bytes += next.count + Socket.frameOverhead
            if bodyFrames == 0 {
                (sender, descriptor) = (requests.sender(of: next), next.descriptor)
                head = next.withBytes { RequestHead($0) }
            } else {
                // No request has more than two frames: of others, the last ones are kept.
                swap(&first, &last)
                last = next
            }
        }
        return Message(
            peer: peer.withBytes { PeerName($0) }, sender: sender, descriptor: descriptor,
            head: head, first: first, last: last, bodyFrames: bodyFrames, bytes: bytes)
    }
}
