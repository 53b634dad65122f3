import Synchronization

/// What a peer has sent that the process has not handled: an unfinished message, and whole ones
/// that wait in libzmq.
///
/// libzmq limits the size of a frame, but not the number of frames of an unfinished message, and
/// keeps them in memory. So this follows the bytes when libzmq receives them. Beyond a limit,
/// libzmq gets no more of them, but the end of the connection.
final class PeerInput: Sendable {
    /// How many bytes a connection may always have.
    private static let always = 64 << 10
    /// From how many bytes on the end of a connection makes room.
    private static let notable = 4 << 10

    private let listener: ListenerInput
    private let reader = Mutex(FrameReader())
    private let unhandled = Atomic<Int>(0)
    private let topicBytes = Atomic<Int>(0)
    /// When the unfinished message began, in nanoseconds since `start`, or `never`. If the peer
    /// encrypts its frames, nobody knows where a message ends: then since when it has had bytes of
    /// which none were handled.
    private let unfinishedSince = Atomic<Int64>(never)
    private let isEncrypted = Atomic<Bool>(false)
    /// How many commands there were when this second began, and when that was.
    private let second = Mutex((commands: 0, began: start))
    private let refusal = Mutex<String?>(nil)
    private let refused = Atomic<Bool>(false)

    private static let start = ContinuousClock.now
    private static let never = Int64.max

    init(_ listener: ListenerInput) {
        self.listener = listener
        listener.connections.add(1, ordering: .relaxed)
    }

    deinit {
        release()
        listener.connections.subtract(1, ordering: .relaxed)
    }

    /// Applies the limits to all connections of the same listening socket.
    func apply(_ limits: InputLimits) { listener.limits.withLock { $0 = limits } }

    /// Takes the next bytes that libzmq has received. Returns false if libzmq must not get them.
    func take(_ bytes: Span<UInt8>) -> Bool {
        guard !isRefused else { return false }
        let limits = listener.limits.withLock(\.self)
        guard let fault = read(bytes, limits) ?? makeRoom(limits) else { return true }
        refuse(because: fault)
        return false
    }

    private func read(_ bytes: Span<UInt8>, _ limits: InputLimits) -> String? {
        reader.withLock { reader in
            let (before, topicsBefore) = (reader.messageBytes, reader.topicBytes)
            let (message, isUnfinished) = (reader.messages, reader.unfinishedBytes > 0)
            do throws(FrameReader.Fault) { try reader.read(bytes) } catch {
                return error == .longCommand ? "a command is too large" : "it does not speak ZMTP 3"
            }
            let added = reader.messageBytes - before
            unhandled.add(added, ordering: .relaxed)
            listener.unhandled.add(added, ordering: .relaxed)
            if reader.isEncrypted {
                isEncrypted.store(true, ordering: .relaxed)
                if unfinishedSince.load(ordering: .relaxed) == Self.never {
                    unfinishedSince.store(Self.now, ordering: .relaxed)
                }
            } else if reader.unfinishedBytes == 0 {
                unfinishedSince.store(Self.never, ordering: .relaxed)
            } else if !isUnfinished || reader.messages != message {
                unfinishedSince.store(Self.now, ordering: .relaxed)
            }
            if hasTooMany(reader.commands) { return "too many commands" }
            if reader.mostFrames > Socket.mostFrames {
                return "a message has too many frames"
            }
            if reader.mostBytes > limits.messageBytes { return "a message is too large" }
            return limits.topics.flatMap { note(reader, topicsBefore, $0) }
        }
    }

    /// Whether the peer sends more commands in a second than honest ones do: those of a subscriber
    /// that begins as many topics as it may.
    private func hasTooMany(_ commands: Int) -> Bool {
        second.withLock { second in
            guard commands - second.commands > Self.commandsPerSecond else { return false }
            let now = ContinuousClock.now
            defer { second = (commands, now) }
            return now - second.began < .seconds(1)
        }
    }

    private static let commandsPerSecond = 300

    /// Ends connections until all have no more bytes than they may. Returns why this one must end,
    /// or nil.
    ///
    /// Of those that have more than their part, the connections whose messages have been
    /// unfinished for the longest are first: an honest one is quick. Without any, whole messages
    /// wait, and a connection may have its share.
    private func makeRoom(_ limits: InputLimits) -> String? {
        while listener.unhandled.load(ordering: .relaxed) > limits.unhandledBytes {
            guard let ended = PeerInputs.shared.endOldest(of: listener) else {
                let own = unhandled.load(ordering: .relaxed)
                return own > share(of: limits) ? Self.tooMuch : nil
            }
            if ended === self { return Self.tooMuch }
        }
        return nil
    }

    private static let tooMuch = "too many unprocessed bytes"

    /// Ends the connection to make room.
    func end() { refuse(because: Self.tooMuch) }

    /// When the unfinished message began, or nil if its end would make no room at the listener.
    func unfinishedSince(at listener: ListenerInput) -> Int64? {
        guard self.listener === listener, isBlocking,
            unhandled.load(ordering: .relaxed) >= Self.notable
        else { return nil }
        let since = unfinishedSince.load(ordering: .relaxed)
        return since == Self.never ? nil : since
    }

    /// For how long the message has been unfinished.
    var unfinishedFor: Duration {
        let since = unfinishedSince.load(ordering: .relaxed)
        return since == Self.never ? .zero : .nanoseconds(Self.now - since)
    }

    private static var now: Int64 { Int64(clamping: (ContinuousClock.now - start).nanoseconds) }

    /// How many bytes the connection may have while all have too many.
    private func share(of limits: InputLimits) -> Int {
        max(limits.unhandledBytes / 2 / connections, Self.always)
    }

    private func note(
        _ reader: borrowing FrameReader, _ before: Int, _ limits: InputLimits.Topics
    ) -> String? {
        // libzmq keeps what is no subscription for as long as the process has not taken it, even
        // after the end of the connection.
        if !reader.isEncrypted, reader.others > 0 { return "a message is no subscription" }
        let change = reader.topicBytes - before
        topicBytes.add(change, ordering: .relaxed)
        let all = limits.total.add(change)
        let bytes = all <= limits.bytesOfAll ? limits.bytes : limits.bytesAlways
        guard reader.topics > limits.count || change > 0 && reader.topicBytes > bytes else {
            return nil
        }
        return "too many topics"
    }

    /// Records that the process has taken a message of this size.
    func handled(_ bytes: Int) {
        // An estimate, so that it may be more than there was.
        let before = unhandled.load(ordering: .relaxed)
        let taken = min(max(before, 0), bytes)
        unhandled.subtract(taken, ordering: .relaxed)
        listener.unhandled.subtract(taken, ordering: .relaxed)
        if isEncrypted.load(ordering: .relaxed) {
            unfinishedSince.store(isWaiting ? Self.now : Self.never, ordering: .relaxed)
        }
    }

    /// Gives libzmq no more bytes.
    func refuse(because reason: String) {
        refusal.withLock { $0 = $0 ?? reason }
        refused.store(true, ordering: .relaxed)
        release()
    }

    /// Whether libzmq gets no more bytes.
    var isRefused: Bool { refused.load(ordering: .relaxed) }

    /// Returns why libzmq got no more bytes, the first time.
    func takeRefusal() -> String? {
        refusal.withLock { refusal in
            defer { refusal = nil }
            return refusal
        }
    }

    /// The bytes of all messages so far, to see whether there are more.
    var messageBytes: Int { reader.withLock { $0.messageBytes } }

    /// Whether bytes of the peer wait.
    var isWaiting: Bool { unhandled.load(ordering: .relaxed) > 0 }

    /// Whether all peers together have more than half of what they may, and this one has more than
    /// its part of that half. One always has.
    var isBlocking: Bool {
        let half = listener.limits.withLock { $0.unhandledBytes } / 2
        return listener.unhandled.load(ordering: .relaxed) > half
            && unhandled.load(ordering: .relaxed) > half / connections
    }

    /// How many connections the listening socket has.
    private var connections: Int { max(listener.connections.load(ordering: .relaxed), 1) }

    /// Counts nothing of the connection any more.
    private func release() {
        listener.unhandled.subtract(unhandled.exchange(0, ordering: .relaxed), ordering: .relaxed)
        let topics = topicBytes.exchange(0, ordering: .relaxed)
        listener.limits.withLock(\.topics)?.total.end(topics)
    }
}

/// What the peers of a listening socket have sent that the process has not handled.
final class ListenerInput: Sendable {
    let limits = Mutex(InputLimits())
    let unhandled = Atomic<Int>(0)
    let connections = Atomic<Int>(0)
}

/// The bytes of the topics of all subscribers of a socket.
///
/// Those of a connection that has ended count until the socket's thread has removed them: libzmq
/// does that some time after the end.
final class TopicTotal: Sendable {
    private let bytes = Atomic<Int>(0)
    private let ended = Mutex((recent: 0, earlier: 0))

    /// Returns the new total.
    func add(_ change: Int) -> Int { bytes.add(change, ordering: .relaxed).newValue }

    /// Records that a connection has ended.
    func end(_ bytes: Int) { ended.withLock { $0.recent += bytes } }

    /// Records that the socket's thread has processed everything that libzmq had for it. What had
    /// ended before the last time is removed.
    func settle() {
        let removed = ended.withLock { ended in
            defer { ended = (recent: 0, earlier: ended.recent) }
            return ended.earlier
        }
        bytes.subtract(removed, ordering: .relaxed)
    }
}

/// The limits of what peers send to a socket.
struct InputLimits: Sendable {
    /// The limits of subscribers' topics. libzmq keeps about 90 bytes for each of theirs, and looks
    /// at all of them when a connection ends.
    struct Topics: Sendable {
        /// How many topics a connection may have, and of how many bytes.
        var (count, bytes) = (256, 16 << 10)
        /// How many bytes the topics of all connections may have, and how many each may have beyond
        /// that.
        var (bytesOfAll, bytesAlways) = (64 << 10, 256)
        let total = TopicTotal()
    }

    /// How many bytes of messages may be unfinished or wait. Beyond it, connections that have more
    /// than their share are closed.
    var unhandledBytes = 24 << 20
    /// The bytes of an unfinished message.
    var messageBytes = Int.max
    /// Nil if peers are not subscribers.
    var topics: Topics?
}

extension InputLimits {
    /// The limits of a socket with these options.
    init(of kind: Socket.Kind, _ options: Socket.Options) {
        unhandledBytes = options.unhandledBytes
        if options.maximumMessageBytes >= 0 {
            // The option limits each frame. All frames but the last are small.
            messageBytes = Int(clamping: options.maximumMessageBytes) + (64 << 10)
        }
        if kind == .xpub { topics = Topics() }
    }
}

extension Duration {
    fileprivate var nanoseconds: Int128 { attoseconds / 1_000_000_000 }
}
