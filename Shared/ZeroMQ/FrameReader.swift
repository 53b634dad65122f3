import Bytes

/// Follows the frames in the bytes that a peer sends by ZMTP 3 (ZeroMQ RFC 23 and 37), however the
/// bytes are cut into pieces, and counts what they cost.
struct FrameReader {
    /// Why libzmq must not get a peer's bytes.
    enum Fault: Error { case otherProtocol, malformed, longCommand }

    private enum State {
        /// The greeting, of which this many bytes were read.
        case greeting(Int)
        case flags
        case size(bytesLeft: Int)
        case body(bytesLeft: UInt64)
    }

    private static let greetingSize = 64
    private static let (more, large, command): (UInt8, UInt8, UInt8) = (1, 2, 4)
    /// What encryption adds to a frame: a name, a number, a flag and a checksum.
    private static let encryption = 33
    /// The most bytes of a command. libzmq keeps what a handshake says for as long as the
    /// connection lasts, in several times as much memory. The longest honest command is a
    /// subscription.
    private static let longestCommand = 4 << 10
    /// The names of commands that begin and end a subscription, as they are sent.
    private static let (subscribe, cancel) = (
        Array("\u{9}SUBSCRIBE".utf8), Array("\u{6}CANCEL".utf8)
    )

    private var state = State.greeting(0)
    private(set) var isEncrypted = false
    private var flags: UInt8 = 0
    private var size: UInt64 = 0
    /// The first bytes of the frame: as many as tell what it is.
    private var start: [UInt8] = []

    /// The bytes of all messages so far, with what libzmq adds to each frame.
    private(set) var messageBytes = 0
    /// How many messages and commands have ended.
    private(set) var (messages, commands) = (0, 0)
    /// How many frames neither begin nor end a subscription and are no commands.
    private(set) var others = 0
    /// How many frames the unfinished message has, and their bytes.
    private(set) var (unfinishedFrames, unfinishedBytes) = (0, 0)
    /// The most frames that a message had so far, and the most bytes. If the peer encrypts its
    /// frames, each counts as a message.
    private(set) var (mostFrames, mostBytes) = (0, 0)
    /// The subscriptions that have begun and not ended, if this is a subscriber, and the bytes of
    /// their topics. If the peer encrypts its frames, each may begin one.
    private(set) var (topics, topicBytes) = (0, 0)

    private var isCommand: Bool { flags & Self.command != 0 }

    /// Reads the next bytes.
    mutating func read(_ bytes: Span<UInt8>) throws(Fault) {
        var at = 0
        while at < bytes.count {
            switch state {
            case .greeting(let count):
                try readGreeting(bytes[at], at: count)
                at += 1
            case .flags:
                flags = bytes[at]
                at += 1
                let isKnown = flags & ~(Self.more | Self.large | Self.command) == 0
                guard isKnown, !isCommand || flags & Self.more == 0 else { throw .malformed }
                size = 0
                state = .size(bytesLeft: flags & Self.large != 0 ? 8 : 1)
            case .size(let left):
                size = size << 8 | UInt64(bytes[at])
                at += 1
                if left > 1 { state = .size(bytesLeft: left - 1) } else { try beginFrame() }
            case .body(let left):
                let count = Int(min(left, UInt64(bytes.count - at)))
                readBody(bytes.extracting(at..<at + count))
                at += count
                if UInt64(count) == left {
                    endFrame()
                } else {
                    state = .body(bytesLeft: left - UInt64(count))
                }
            }
        }
    }

    /// Older protocols begin otherwise, or have a lower version. libzmq speaks them, too.
    private mutating func readGreeting(_ byte: UInt8, at index: Int) throws(Fault) {
        switch index {
        case 0: guard byte == 0xFF else { throw .otherProtocol }
        case 9: guard byte & 1 == 1 else { throw .otherProtocol }
        case 10: guard byte >= 3 else { throw .otherProtocol }
        // The first letter of the mechanism's name, NULL or CURVE.
        case 12: isEncrypted = byte != UInt8(ascii: "N")
        default: break
        }
        state = index + 1 == Self.greetingSize ? .flags : .greeting(index + 1)
    }

    private mutating func beginFrame() throws(Fault) {
        start.removeAll(keepingCapacity: true)
        guard !isCommand || size <= Self.longestCommand else { throw .longCommand }
        if !isCommand {
            unfinishedFrames += 1
            mostFrames = max(mostFrames, unfinishedFrames)
            count(Socket.frameOverhead - (isEncrypted ? Self.encryption : 0))
        }
        if size == 0 { endFrame() } else { state = .body(bytesLeft: size) }
    }

    private mutating func readBody(_ bytes: Span<UInt8>) {
        let known = isCommand ? Self.subscribe.count : 1
        if start.count < known {
            start.append(contentsOf: bytes.extracting(first: known - start.count))
        }
        if !isCommand { count(bytes.count) }
    }

    private mutating func count(_ bytes: Int) {
        messageBytes += bytes
        unfinishedBytes += bytes
        mostBytes = max(mostBytes, unfinishedBytes)
    }

    private mutating func endFrame() {
        state = .flags
        if isCommand {
            commands += 1
            for (name, begins) in [(Self.subscribe, true), (Self.cancel, false)]
            where start.starts(with: name) {
                let topic = Int(clamping: size) - name.count
                noteTopic(of: topic, begins: begins)
                // libzmq makes a message of it: a byte and the topic.
                messageBytes += 1 + topic + Socket.frameOverhead
            }
        } else if isEncrypted {
            noteTopic(of: max(Int(clamping: size) - Self.encryption, 0), begins: true)
            endMessage()
        } else {
            let isWhole = flags & Self.more == 0
            if isWhole, unfinishedFrames == 1, let first = start.first, size > 0, first <= 1 {
                noteTopic(of: Int(clamping: size) - 1, begins: first == 1)
            } else {
                others += 1
            }
            if isWhole { endMessage() }
        }
    }

    private mutating func endMessage() {
        (unfinishedFrames, unfinishedBytes) = (0, 0)
        messages += 1
    }

    private mutating func noteTopic(of bytes: Int, begins: Bool) {
        topics = max(topics + (begins ? 1 : -1), 0)
        topicBytes = max(topicBytes + (begins ? bytes : -bytes), 0)
    }
}
