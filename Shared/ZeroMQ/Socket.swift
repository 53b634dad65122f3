internal import CZeroMQ

/// One libzmq socket: owned by one place, closed once, and never `Sendable`.
///
/// An actor whose executor is a loop makes it in its initializer and keeps it. Being neither
/// copyable nor sendable it can't leave that actor, so only the loop's thread ever uses it.
@safe public struct Socket: ~Copyable {
    public enum Kind: Sendable {
        case router, dealer, xpub, sub

        var rawValue: Int32 {
            switch self {
            case .router: ZMQ_ROUTER
            case .dealer: ZMQ_DEALER
            case .xpub: ZMQ_XPUB
            case .sub: ZMQ_SUB
            }
        }
    }

    public struct Options: Sendable {
        /// Messages that may wait for a peer. At the mark a send returns false; XPUB drops.
        public var sendHighWaterMark: Int32 = 1000
        /// Messages that may wait to be received, for each peer.
        public var receiveHighWaterMark: Int32 = 1000
        /// How long a closed socket goes on trying to send, in milliseconds.
        public var lingerMilliseconds: Int32 = 0
        /// A message of more bytes ends its connection; -1 for no bound.
        public var maximumMessageBytes: Int64 = -1
        /// What ``Handshake/door`` says of those who come to it; not empty.
        public var door = "requests"
        /// Between attempts to connect, at first and at the most, in milliseconds.
        public var reconnectMilliseconds: ClosedRange<Int32> = 20...1000

        public init() {}
    }

    let handle: UnsafeMutableRawPointer
    private let options: Options
    private let loop: SocketLoop
    /// Held, so that the context ends only after its last socket has closed.
    private let context: Context

    /// - Parameter loop: the executor of the actor that keeps the socket; a wait elsewhere traps.
    public init(
        _ kind: Kind, on loop: SocketLoop, in context: Context, options: Options = Options()
    ) throws(ZeroMQError) {
        guard let handle = unsafe zmq_socket(context.handle, kind.rawValue) else { throw .last }
        do {
            try unsafe Self.configure(handle, kind, options)
        } catch {
            unsafe _ = zmq_close(handle)
            throw error
        }
        unsafe self.handle = unsafe handle
        self.options = options
        self.loop = loop
        self.context = context
    }

    private static func configure(
        _ handle: UnsafeMutableRawPointer, _ kind: Kind, _ options: Options
    ) throws(ZeroMQError) {
        func set<Value: FixedWidthInteger>(
            _ option: Int32, _ value: Value
        ) throws(ZeroMQError) {
            var value = value
            guard unsafe zmq_setsockopt(handle, option, &value, MemoryLayout<Value>.size) == 0
            else { throw .last }
        }
        try set(ZMQ_LINGER, options.lingerMilliseconds)
        try set(ZMQ_SNDHWM, options.sendHighWaterMark)
        try set(ZMQ_RCVHWM, options.receiveHighWaterMark)
        try set(ZMQ_MAXMSGSIZE, options.maximumMessageBytes)
        try set(ZMQ_RECONNECT_IVL, options.reconnectMilliseconds.lowerBound)
        try set(ZMQ_RECONNECT_IVL_MAX, options.reconnectMilliseconds.upperBound)
        // Without it a ROUTER drops what it can't deliver, and nobody learns of it.
        if kind == .router { try set(ZMQ_ROUTER_MANDATORY, Int32(1)) }
        // Every subscription and its end is told, not only the first and the last of a prefix.
        if kind == .xpub { try set(ZMQ_XPUB_VERBOSER, Int32(1)) }
    }

    deinit { unsafe _ = zmq_close(handle) }

    /// - Throws: for one that others than this machine reach, unless the context has keys: then
    ///   only whom its doorkeeper admits is let in.
    public func bind(_ endpoint: String) throws(ZeroMQError) {
        if let security = try security(at: endpoint) {
            try unsafe context.guardHandshakes(security).follow(handle, in: context.handle)
            try set(ZMQ_CURVE_SERVER, 1)
            try set(ZMQ_CURVE_SECRETKEY, security.identity.secret)
            try set(ZMQ_ZAP_DOMAIN, options.door)
            try limitPeers()
        }
        guard unsafe zmq_bind(handle, endpoint) == 0 else {
            throw .last("bind", endpoint)
        }
    }

    /// Bounds what a peer from the network may cost: who is let in, and then floods or does not
    /// read, has less memory spent on it; who is silent, be it in its handshake, is parted from.
    private func limitPeers() throws(ZeroMQError) {
        try set(ZMQ_RCVHWM, min(options.receiveHighWaterMark, 128))
        try set(ZMQ_SNDHWM, min(options.sendHighWaterMark, 2000))
        try set(ZMQ_HANDSHAKE_IVL, 10_000)
        try set(ZMQ_HEARTBEAT_IVL, 10_000)
        try set(ZMQ_HEARTBEAT_TIMEOUT, 20_000)
    }

    /// - Parameter peer: the name of the process there, which must prove that it is the one.
    /// - Throws: for one beyond this machine, unless the context has keys.
    public func connect(_ endpoint: String, to peer: String) throws(ZeroMQError) {
        if let security = try security(at: endpoint) {
            guard let key = security.doorkeeper.key(of: peer) else {
                throw .unknown(peer, at: endpoint)
            }
            try set(ZMQ_CURVE_SERVERKEY, key.description)
            try set(ZMQ_CURVE_PUBLICKEY, security.identity.publicKey.description)
            try set(ZMQ_CURVE_SECRETKEY, security.identity.secret)
        }
        guard unsafe zmq_connect(handle, endpoint) == 0 else {
            throw .last("connect to", endpoint)
        }
    }

    /// What protects the endpoint; nil where the system does.
    private func security(at endpoint: String) throws(ZeroMQError) -> Security? {
        guard endpoint.hasPrefix("tcp://") else { return nil }
        guard context.security == nil else { return context.security }
        let host = endpoint.dropFirst("tcp://".count)
        let isLocal = ["127.", "localhost:", "[::1]:"].contains { host.hasPrefix($0) }
        guard isLocal else { throw .open(endpoint) }
        return nil
    }

    private func set(_ option: Int32, _ text: String) throws(ZeroMQError) {
        guard unsafe zmq_setsockopt(handle, option, text, text.utf8.count) == 0 else {
            throw .last
        }
    }

    private func set(_ option: Int32, _ value: Int32) throws(ZeroMQError) {
        var value = value
        guard unsafe zmq_setsockopt(handle, option, &value, MemoryLayout<Int32>.size) == 0 else {
            throw .last
        }
    }

    /// The endpoint that the socket was last bound or connected to, a port of 0 made out.
    public var lastEndpoint: String {
        get throws(ZeroMQError) {
            var bytes = [CChar](repeating: 0, count: 1024)
            var count = bytes.count
            guard unsafe zmq_getsockopt(handle, ZMQ_LAST_ENDPOINT, &bytes, &count) == 0 else {
                throw .last
            }
            return String(decoding: bytes.prefix(max(count - 1, 0)).map(UInt8.init), as: UTF8.self)
        }
    }

    /// Asks a SUB's publishers for the topics that begin with `prefix`.
    public func subscribe(_ prefix: String) throws(ZeroMQError) {
        guard unsafe zmq_setsockopt(handle, ZMQ_SUBSCRIBE, prefix, prefix.utf8.count) == 0 else {
            throw .last
        }
    }

    // MARK: Sending and receiving

    /// Sends a frame, taking its bytes; false, and nothing sent, when the high-water mark is
    /// reached.
    ///
    /// After a first frame was sent with `more`, the others of its message are always taken.
    public func send(_ frame: consuming Frame, more: Bool = false) throws(ZeroMQError) -> Bool {
        let flags = ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0)
        while unsafe zmq_msg_send(&frame.message, handle, flags) < 0 {
            switch ZeroMQError.last {
            case .wouldBlock: return false
            case .interrupted: continue
            case let error: throw error
            }
        }
        return true
    }

    /// Sends a message of `frames`; false, and nothing sent, when the high-water mark is reached.
    public func send(_ frames: [[UInt8]]) throws(ZeroMQError) -> Bool {
        for (index, frame) in frames.enumerated() {
            guard try send(Frame(frame), more: index < frames.count - 1) else { return false }
        }
        return true
    }

    /// The next frame, or nil when none waits. A message is received whole or not at all: when its
    /// first frame is there, so are the others.
    public func receive() throws(ZeroMQError) -> Frame? {
        var frame = Frame()
        while unsafe zmq_msg_recv(&frame.message, handle, ZMQ_DONTWAIT) < 0 {
            switch ZeroMQError.last {
            case .wouldBlock: return nil
            case .interrupted: continue
            case let error: throw error
            }
        }
        return frame
    }

    /// The frames of the next message, or nil when none waits.
    public func receiveMessage() throws(ZeroMQError) -> [[UInt8]]? {
        guard let first = try receive() else { return nil }
        return try receiveRest(behind: first)
    }

    /// The next message of a ROUTER that is to be heard: the frames, of which the first names the
    /// peer, and its ``Frame/sender``; nil when none waits.
    public func receiveRequest() throws(ZeroMQError) -> (frames: [[UInt8]], sender: String?)? {
        while let peer = try receive() {
            guard peer.hasMore, let first = try receive() else { continue }
            let isAccepted = accepts(first)
            let sender = first.sender
            let frames = try receiveRest(behind: first)
            if isAccepted { return ([peer.array()] + frames, sender) }
        }
        return nil
    }

    private func receiveRest(behind first: borrowing Frame) throws(ZeroMQError) -> [[UInt8]] {
        var frames = [first.array()]
        var hasMore = first.hasMore
        while hasMore, let next = try receive() {
            frames.append(next.array())
            hasMore = next.hasMore
        }
        return frames
    }

    /// Whether a message with this frame is to be heard. If not, it has come by a connection that
    /// is not wanted, or not any more, and is ended.
    ///
    /// - Parameter frame: as it was received, and not one by which a ROUTER names a peer.
    public func accepts(_ frame: borrowing Frame) -> Bool {
        guard let handshakes = context.handshakeGuard, let sender = frame.sender else {
            return true
        }
        return handshakes.accepts(sender, by: frame.descriptor, at: options.door)
    }

    // MARK: Waiting

    /// Waits until a message can be received, or `deadline` has passed: then the answer is false.
    public func readable(
        until deadline: ContinuousClock.Instant? = nil, isolation: isolated any Actor = #isolation
    ) async throws(CancellationError) -> Bool {
        unsafe try await loop.wait(.socket(handle), for: .readable, until: deadline)
    }

    /// Waits until a message can be sent, or `deadline` has passed: then the answer is false.
    public func writable(
        until deadline: ContinuousClock.Instant? = nil, isolation: isolated any Actor = #isolation
    ) async throws(CancellationError) -> Bool {
        unsafe try await loop.wait(.socket(handle), for: .writable, until: deadline)
    }
}
