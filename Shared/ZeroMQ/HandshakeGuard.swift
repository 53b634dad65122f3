import Bytes
internal import CZeroMQ
import Foundation
import Synchronization

/// Guards a context's bound sockets on a thread that ends with the context.
///
/// It tracks their connections and closes those that cost too much. With keys, it answers libzmq's
/// question whether to admit the peer of each handshake (the ZeroMQ Authentication Protocol, RFC
/// 27).
final class HandshakeGuard: Sendable {
    /// The time between two measurements of connections, in milliseconds: while bytes wait that
    /// peers have sent or do not take, and otherwise. The latter is also the longest time between
    /// two calls of `takeChangedSenders`.
    private static let (busyInterval, idleInterval) = (100, 500)
    /// How long no connection must have ended before freed memory is given back to the system, and
    /// how many bytes there must be. It takes up to 0.1 s, in which others that allocate wait.
    private static let (calm, freed) = (Duration.seconds(1), 32 << 20)
    /// How many messages of one socket are processed before those of the others.
    private static let batch = 256

    /// A socket that is made on one thread and used on another. libzmq allows this as long as one
    /// thread at a time uses it.
    @safe private struct Monitor: @unchecked Sendable {
        let socket: UnsafeMutableRawPointer
        let rules: PeerRules
    }

    private let authenticator: (any Authenticator)?
    private let connections: ConnectionTable
    /// The monitors that the thread has not taken over yet.
    private let added = Mutex<[Monitor]>([])

    /// Starts the guard. When this returns, every handshake is checked.
    ///
    /// Nothing may be bound earlier: without the guard, libzmq would admit everybody.
    ///
    /// - Parameter authenticator: decides about peers with keys; nil in a context without keys,
    ///   whose sockets only this machine can reach.
    init(
        _ context: UnsafeMutableRawPointer, _ authenticator: (any Authenticator)?,
        _ limits: ConnectionLimits
    ) throws(ZeroMQError) {
        self.authenticator = authenticator
        connections = ConnectionTable(limits)
        // Bound without keys as well: the thread waits for its end, and so for the context's.
        guard let socket = unsafe zmq_socket(context, ZMQ_REP) else { throw .last }
        guard unsafe zmq_bind(socket, "inproc://zeromq.zap.01") == 0 else {
            let error = ZeroMQError.last
            unsafe _ = zmq_close(socket)
            throw error
        }
        let questions = unsafe Monitor(
            socket: socket, rules: PeerRules(hasKeys: authenticator != nil, unsent: nil))
        let thread = Thread { [self] in run(questions) }
        thread.name = "connections"
        thread.start()
    }

    /// Tracks the connections of a socket that is not bound yet.
    func follow(
        _ socket: UnsafeMutableRawPointer, in context: UnsafeMutableRawPointer,
        under rules: PeerRules
    ) throws(ZeroMQError) {
        let endpoint = "inproc://monitor-\(UUID().uuidString)"
        let events =
            ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL
            | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL
        guard unsafe zmq_socket_monitor(socket, endpoint, events) == 0,
            let monitor = unsafe zmq_socket(context, ZMQ_PAIR)
        else { throw .last }
        // Connected before there are any events: libzmq would block until somebody reads them.
        guard unsafe zmq_connect(monitor, endpoint) == 0 else {
            let error = ZeroMQError.last
            unsafe _ = zmq_close(monitor)
            throw error
        }
        added.withLock { unsafe $0.append(Monitor(socket: monitor, rules: rules)) }
    }

    /// Returns whether to process a message. If not, its connection is closed.
    ///
    /// - Parameters:
    ///   - sender: the name that its sender was admitted as, or nil without keys.
    ///   - bytes: the size of the message, with what libzmq adds to it.
    func accepts(
        _ sender: String?, by descriptor: Int32, bytes: Int, at zapDomain: String,
        under rules: PeerRules
    ) -> Bool {
        let name = sender ?? ConnectionTable.keyless
        switch connections.heard(name, by: descriptor, bytes: bytes, under: rules) {
        case .known:
            return true
        case .new:
            guard let sender, let authenticator else { return true }
            if authenticator.isStillAdmitted(sender, to: zapDomain) { return true }
            connections.close(descriptor)
        case .tooMany:
            authenticator?.note("closed a connection: its sender has too many", of: sender)
        }
        return false
    }

    /// Records that a message of this size was taken, whatever it is.
    func noteHandled(_ bytes: Int, from descriptor: Int32) {
        PeerInputs.shared[descriptor]?.handled(bytes)
    }

    /// Closes a connection and counts it.
    func close(_ descriptor: Int32) { connections.disconnect(descriptor) }

    // MARK: The thread

    private func run(_ questions: Monitor) {
        var sockets = [questions]
        var isOpen = true
        var measuredAt = ContinuousClock.now
        var cost = Duration.zero
        var endedAt: ContinuousClock.Instant?
        while isOpen {
            sockets += takeAdded()
            let interval = connections.isBusy ? Self.busyInterval : Self.idleInterval
            isOpen = wait(for: sockets, atMost: interval)
            answer(questions)
            for monitor in sockets.dropFirst() where followEvents(of: monitor) { endedAt = .now }
            if let lost = authenticator?.takeChangedSenders(), !lost.isEmpty {
                connections.close(lost)
            }
            let now = ContinuousClock.now
            // Messages wait during a measurement, and many connections make it long.
            if now - measuredAt >= max(.milliseconds(interval), cost * 20) {
                if measure(now - measuredAt) { endedAt = now }
                (measuredAt, cost) = (now, .now - now)
            }
            if let ended = endedAt, now - ended >= Self.calm {
                if Int(clamping: mallinfo2().fordblks) > Self.freed { _ = malloc_trim(0) }
                endedAt = nil
            }
        }
        for monitor in sockets + takeAdded() { unsafe _ = zmq_close(monitor.socket) }
    }

    private func takeAdded() -> [Monitor] {
        added.withLock { added in
            defer { added = [] }
            return added
        }
    }

    /// Closes the connections that cost too much. Returns whether there were any.
    private func measure(_ elapsed: Duration) -> Bool {
        let closed = connections.measure(elapsed: elapsed)
        for (sender, note) in closed { authenticator?.note(note, of: sender) }
        return !closed.isEmpty
    }

    /// Waits until there is something to do, or for `interval` milliseconds. Returns false when the
    /// context ends.
    private func wait(for sockets: [Monitor], atMost interval: Int) -> Bool {
        var items = unsafe sockets.map {
            unsafe zmq_pollitem_t(
                socket: $0.socket, fd: 0, events: Int16(ZMQ_POLLIN), revents: 0)
        }
        guard unsafe zmq_poll(&items, Int32(items.count), interval) < 0 else { return true }
        return ZeroMQError.last == .interrupted
    }

    /// Answers the waiting handshakes.
    ///
    /// Frames: version, request, domain, address, routing id, mechanism and, for CURVE, the key.
    private func answer(_ questions: Monitor) {
        for _ in 0..<Self.batch {
            guard let request = Self.receive(questions) else { return }
            let id = request.count > 1 ? request[1] : []
            let (status, text, name) = verdict(on: request)
            let frames = ["1.0", status, text, name].map { Array($0.utf8) }
            Self.send([frames[0], id, frames[1], frames[2], frames[3], []], to: questions)
        }
    }

    private func verdict(on request: [[UInt8]]) -> (status: String, text: String, name: String) {
        guard let authenticator, request.count == 7, request[5] == Array("CURVE".utf8),
            let key = CurvePublicKey(bytes: request[6])
        else { return ("400", "denied", "") }
        let handshake = Handshake(
            key: key, address: String(decoding: request[3], as: UTF8.self),
            zapDomain: String(decoding: request[2], as: UTF8.self))
        switch authenticator.admit(handshake) {
        case .admitted(let name): return ("200", "", name)
        case .denied: return ("400", "denied", "")
        case .later: return ("300", "try later", "")
        }
    }

    /// Handles the waiting events. Returns whether a connection has ended.
    private func followEvents(of monitor: Monitor) -> Bool {
        var hasEnded = false
        for _ in 0..<Self.batch {
            guard let event = Self.receive(monitor)?.first, event.count == 6 else { break }
            // The kind, two bytes, and the value, four, are in the machine's byte order.
            let kind = UInt16(littleEndian: event.span.uint16(at: 0))
            let value = Int32(bitPattern: UInt32(littleEndian: event.span.uint32(at: 2)))
            switch Int32(kind) {
            case ZMQ_EVENT_ACCEPTED:
                if let note = connections.opened(value, under: monitor.rules) {
                    authenticator?.note(note, of: nil)
                }
            case ZMQ_EVENT_DISCONNECTED:
                connections.closed(value)
                hasEnded = true
            default:
                authenticator?.note("a handshake failed", of: nil)
            }
        }
        return hasEnded
    }

    /// Returns the next message, or nil if none is waiting.
    private static func receive(_ from: Monitor) -> [[UInt8]]? {
        var frames: [[UInt8]] = []
        while let frame = try? unsafe Frame.receive(from: from.socket) {
            frames.append(frame.array())
            if !frame.hasMore { return frames }
        }
        return nil
    }

    private static func send(_ frames: [[UInt8]], to questions: Monitor) {
        for (index, bytes) in frames.enumerated() {
            let flags = index < frames.count - 1 ? ZMQ_SNDMORE : 0
            // Fails when the context ends, which the next wait detects.
            unsafe _ = zmq_send(questions.socket, bytes, bytes.count, flags)
        }
    }
}
