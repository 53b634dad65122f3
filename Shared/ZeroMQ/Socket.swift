internal import CZeroMQ

/// A libzmq socket with one owner, which is closed once and never `Sendable`.
///
/// An actor whose executor is a loop makes it in its initializer and keeps it. The socket is
/// neither copyable nor sendable, so it can't leave that actor: only the loop's thread ever uses
/// it.
@safe public struct Socket: ~Copyable {
    /// The kind of a socket: which messages it sends and receives (zmq_socket(3)).
    public struct Kind: Hashable, Sendable {
        let rawValue: Int32

        /// Answers requests.
        public static let router = Kind(rawValue: ZMQ_ROUTER)
        /// Sends requests.
        public static let dealer = Kind(rawValue: ZMQ_DEALER)
        /// Publishes.
        public static let xpub = Kind(rawValue: ZMQ_XPUB)
        /// Subscribes.
        public static let sub = Kind(rawValue: ZMQ_SUB)
    }

    /// The limits and times of a socket, and the ZAP domain that it authenticates peers in.
    public struct Options: Sendable {
        /// How many messages may wait to be sent to one peer. At the limit, `send` returns false,
        /// and an XPUB drops messages.
        public var sendHighWaterMark: Int32 = 1000
        /// How many messages of one peer may wait to be received.
        public var receiveHighWaterMark: Int32 = 1000
        /// The largest message, in bytes. A larger one ends its connection. -1 means no limit.
        public var maximumMessageBytes: Int64 = -1
        /// The socket's ZAP domain, which the authenticator gets as ``Handshake/zapDomain``.
        ///
        /// It must not be empty.
        public var zapDomain = "requests"

        /// The bytes that wait for the subscribers of an XPUB, which share them.
        ///
        /// Above ``unsentLimit``, subscribers that do not take their messages are disconnected.
        public var unsent: UnsentBytes.Total?
        /// How many bytes may wait for subscribers.
        public var unsentLimit = 16 << 20

        /// How many bytes of messages that peers have sent may be unfinished or wait. Beyond it,
        /// connections that have more than their share are closed.
        public var unhandledBytes = 24 << 20

        /// Creates the default options.
        public init() {}
    }

    let handle: UnsafeMutableRawPointer
    private let kind: Kind
    let options: Options
    let attachments = SocketAttachments()
    private let loop: SocketLoop
    /// Retained, so that the context ends only after its last socket has closed.
    private let context: Context

    /// Creates a socket that is neither bound nor connected.
    ///
    /// - Parameter loop: the executor of the actor that owns the socket. A wait elsewhere traps.
    /// - Throws: the error of libzmq, for example when no descriptor is left.
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
        self.kind = kind
        self.options = options
        self.loop = loop
        self.context = context
    }

    private static func configure(
        _ handle: UnsafeMutableRawPointer, _ kind: Kind, _ options: Options
    ) throws(ZeroMQError) {
        func set<Value: FixedWidthInteger>(_ option: Int32, _ value: Value) throws(ZeroMQError) {
            var value = value
            try unsafe ZeroMQError.check(
                zmq_setsockopt(handle, option, &value, MemoryLayout<Value>.size))
        }
        // A closed socket drops what it has not sent, so that its context need not wait for peers.
        try set(ZMQ_LINGER, Int32(0))
        try set(ZMQ_SNDHWM, options.sendHighWaterMark)
        try set(ZMQ_RCVHWM, options.receiveHighWaterMark)
        try set(ZMQ_MAXMSGSIZE, options.maximumMessageBytes)
        // The first and the longest time between attempts to connect, in milliseconds.
        try set(ZMQ_RECONNECT_IVL, Int32(20))
        try set(ZMQ_RECONNECT_IVL_MAX, Int32(1000))
        // Otherwise a ROUTER silently drops messages that it can't deliver.
        if kind == .router { try set(ZMQ_ROUTER_MANDATORY, Int32(1)) }
        // Reports every subscription and its end, not only the first and the last of a prefix.
        if kind == .xpub { try set(ZMQ_XPUB_VERBOSER, Int32(1)) }
    }

    deinit {
        unsafe _ = zmq_close(handle)
        attachments.watch?.close()
    }

    /// Binds the socket to an endpoint.
    ///
    /// - Throws: `invalid` for a malformed endpoint, `keysNeeded` if other machines can reach the
    ///   endpoint and the context has no keys. With keys, only peers that the authenticator admits
    ///   can connect.
    public func bind(_ endpoint: String) throws(ZeroMQError) {
        let security = try security(at: endpoint)
        let limit = options.unsentLimit
        let rules = PeerRules(
            hasKeys: security != nil, unsent: options.unsent.map { ($0, limit) },
            input: InputLimits(of: kind, options))
        let guarding = try context.guardConnections()
        try unsafe guarding.follow(handle, in: context.handle, under: rules)
        attachments.guarding = (guarding, rules)
        if let security {
            try set(ZMQ_CURVE_SERVER, 1)
            try set(ZMQ_CURVE_SECRETKEY, security.identity.secret)
            try set(ZMQ_ZAP_DOMAIN, options.zapDomain)
            try limitPeers()
        }
        // More messages wait with the peer, where they cost this process nothing.
        try set(ZMQ_RCVHWM, min(options.receiveHighWaterMark, 32))
        guard unsafe zmq_bind(handle, endpoint) == 0 else {
            throw .last("bind", endpoint)
        }
    }

    /// Bounds what a peer on the network may cost.
    ///
    /// A peer that does not read gets less memory. A peer that does not complete the handshake, or
    /// is gone, is disconnected.
    private func limitPeers() throws(ZeroMQError) {
        try set(ZMQ_SNDHWM, min(options.sendHighWaterMark, 2000))
        try set(ZMQ_HANDSHAKE_IVL, 10_000)
        // The system finds out that a peer's machine is gone. libzmq 4.3.4 has heartbeats for that,
        // but ends the process if one is due on a connection that has ended while its messages
        // waited.
        try set(ZMQ_TCP_KEEPALIVE, 1)
        try set(ZMQ_TCP_KEEPALIVE_IDLE, 10)
        try set(ZMQ_TCP_KEEPALIVE_INTVL, 5)
        try set(ZMQ_TCP_KEEPALIVE_CNT, 2)
    }

    /// Connects the socket to an endpoint.
    ///
    /// - Parameter peer: the name of the process there. With keys, it must prove that it holds that
    ///   name's key.
    /// - Throws: `keysNeeded` if the endpoint is on another machine and the context has no keys, or
    ///   if the authenticator knows no key of that name.
    public func connect(_ endpoint: String, to peer: String) throws(ZeroMQError) {
        if let security = try security(at: endpoint) {
            guard let key = security.authenticator.key(of: peer) else {
                throw ZeroMQError(code: ENOKEY, "no key is known for \(peer) at \(endpoint)")
            }
            try unsafe attachments.watchHandshakes(
                of: handle, to: endpoint, of: peer, in: context.handle)
            try set(ZMQ_CURVE_SERVERKEY, key.description)
            attachments.peerKey = key
            try set(ZMQ_CURVE_PUBLICKEY, security.identity.publicKey.description)
            try set(ZMQ_CURVE_SECRETKEY, security.identity.secret)
        }
        guard unsafe zmq_connect(handle, endpoint) == 0 else {
            throw .last("connect to", endpoint)
        }
    }

    /// Returns why the peer has refused the connection for good, in one line, and connects again.
    /// Also connects again if the authenticator knows another key of the peer than before.
    ///
    /// libzmq repeats an attempt to connect, but not one that the peer refused, and always with the
    /// same key. So a socket that waits for answers must call this from time to time, or else it
    /// stays without a connection even if the peer accepts it later.
    ///
    /// - Returns: nil if the peer has refused nothing since the last call.
    public func reconnectIfRefused() throws(ZeroMQError) -> String? {
        guard let watch = attachments.watch, let authenticator = context.security?.authenticator
        else { return nil }
        let failure = watch.takeFailure()
        if let failure { authenticator.noteFailedConnection(failure) }
        let hasNewKey = try takeNewKey(of: watch.peer, from: authenticator)
        guard failure != nil || hasNewKey else { return nil }
        // Fails if libzmq has forgotten the endpoint already.
        unsafe _ = zmq_disconnect(handle, watch.endpoint)
        guard unsafe zmq_connect(handle, watch.endpoint) == 0 else {
            throw .last("connect to", watch.endpoint)
        }
        return failure
    }

    /// Uses the peer's new key from the next attempt to connect on, and logs it. Returns whether
    /// there is one.
    private func takeNewKey(
        of peer: String, from authenticator: any Authenticator
    ) throws(ZeroMQError) -> Bool {
        // Every message that is sent comes here, and the authenticator looks at a file.
        guard attachments.nextKeyCheck <= .now else { return false }
        attachments.nextKeyCheck = .now + Self.keyCheckInterval
        guard let key = authenticator.key(of: peer), key != attachments.peerKey
        else { return false }
        try set(ZMQ_CURVE_SERVERKEY, key.description)
        attachments.peerKey = key
        authenticator.note("the key of \(peer) was replaced; connecting with the new one", of: peer)
        return true
    }

    /// How long a socket uses a peer's key before it looks for another one.
    private static let keyCheckInterval: Duration = .seconds(1)

    /// Returns what protects the endpoint, or nil if only this machine can reach it.
    ///
    /// - Throws: `keysNeeded` if it needs protection and there are no keys.
    private func security(at endpoint: String) throws(ZeroMQError) -> Security? {
        guard endpoint != "ipc://" else {
            throw ZeroMQError(code: EINVAL, "\(endpoint) must name the path of a socket")
        }
        guard endpoint.hasPrefix("tcp://") else { return nil }
        // libzmq would take other numbers modulo 65,536, and pass over what follows the digits.
        let port = endpoint.split(separator: ":").last ?? ""
        guard port == "*" || UInt16(port) != nil else {
            throw ZeroMQError(
                code: EINVAL, "the port of \(endpoint) must be a number from 0 to 65535, or *")
        }
        guard context.security == nil else { return context.security }
        let host = endpoint.dropFirst("tcp://".count)
        let isLocal = ["127.", "localhost:", "[::1]:"].contains { host.hasPrefix($0) }
        guard isLocal else {
            throw ZeroMQError(code: ENOKEY, "\(endpoint) is open to the network, so it needs keys")
        }
        return nil
    }

    private func set(_ option: Int32, _ text: String) throws(ZeroMQError) {
        try unsafe ZeroMQError.check(zmq_setsockopt(handle, option, text, text.utf8.count))
    }

    private func set(_ option: Int32, _ value: Int32) throws(ZeroMQError) {
        var value = value
        try unsafe ZeroMQError.check(
            zmq_setsockopt(handle, option, &value, MemoryLayout<Int32>.size))
    }

    /// The endpoint that the socket was last bound or connected to, with the actual port instead of
    /// port 0.
    public var lastEndpoint: String {
        get throws(ZeroMQError) {
            var bytes = [CChar](repeating: 0, count: 1024)
            var count = bytes.count
            try unsafe ZeroMQError.check(
                zmq_getsockopt(handle, ZMQ_LAST_ENDPOINT, &bytes, &count))
            return String(decoding: bytes.prefix(max(count - 1, 0)).map(UInt8.init), as: UTF8.self)
        }
    }

    /// Subscribes a SUB socket to the topics that begin with `prefix`.
    public func subscribe(_ prefix: String) throws(ZeroMQError) {
        try set(ZMQ_SUBSCRIBE, prefix)
    }

    // MARK: Sending and receiving

    /// Sends a frame and takes its bytes. Returns false, and sends nothing, at the high-water mark.
    ///
    /// Once the first frame of a message is sent with `more`, its other frames are always accepted.
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

    /// Sends a message of `frames`. Returns false, and sends nothing, at the high-water mark.
    public func send(_ frames: [[UInt8]]) throws(ZeroMQError) -> Bool {
        for (index, frame) in frames.enumerated() {
            guard try send(Frame(frame), more: index < frames.count - 1) else { return false }
        }
        return true
    }

    /// Returns the next frame, or nil if none is waiting.
    ///
    /// A message arrives whole or not at all: once its first frame is there, so are the others.
    public func receive() throws(ZeroMQError) -> Frame? {
        // Safe: the socket is open, and only its owner's thread uses it.
        let frame = try unsafe Frame.receive(from: handle)
        // libzmq has processed all that it had for this thread.
        if frame == nil { attachments.guarding?.under.input.topics?.total.settle() }
        return frame
    }

    /// Returns the frames of the next message, or nil if none is waiting.
    public func receiveMessage() throws(ZeroMQError) -> [[UInt8]]? {
        guard let first = try receive() else { return nil }
        let (frames, bytes, _) = try receiveRest(behind: first)
        attachments.guarding?.by.noteHandled(bytes, from: first.descriptor)
        return frames
    }

    // MARK: Waiting

    /// Waits until a message can be received. Returns false if `deadline` passes first.
    public func readable(
        until deadline: ContinuousClock.Instant? = nil, isolation: isolated any Actor = #isolation
    ) async throws(CancellationError) -> Bool {
        unsafe try await loop.thread.wait(.socket(handle), for: .readable, until: deadline)
    }

    /// Waits until a message can be sent. Returns false if `deadline` passes first.
    public func writable(
        until deadline: ContinuousClock.Instant? = nil, isolation: isolated any Actor = #isolation
    ) async throws(CancellationError) -> Bool {
        unsafe try await loop.thread.wait(.socket(handle), for: .writable, until: deadline)
    }
}
