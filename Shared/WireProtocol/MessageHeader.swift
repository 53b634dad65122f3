import Bytes
public import EventSourcing

/// The first frame of every message between a client and a process: 16 bytes.
///
///     offset size
///          0    2  "DB"
///          2    1  protocol version
///          3    1  kind
///          4    4  zero
///          8    8  request id, chosen by the client; an answer carries the id of its request
public struct MessageHeader: Hashable, Sendable {
    /// The size of a header, in bytes.
    public static let size = 16
    /// The protocol version that this build speaks.
    public static let version: UInt8 = 1

    /// The protocol version of the message.
    public var version: UInt8
    /// The kind of the message, which says what its body is.
    public var kind: MessageKind
    /// The id that the client gave the request. The answer carries it, too.
    public var requestID: UInt64

    /// Creates a header in this build's protocol version.
    public init(_ kind: MessageKind, requestID: UInt64) {
        self.version = Self.version
        self.kind = kind
        self.requestID = requestID
    }

    /// Reads a header in any protocol version.
    ///
    /// - Throws: `malformed` if the bytes are not a header or have an unknown kind.
    public init(_ bytes: Span<UInt8>) throws(ProtocolError) {
        guard bytes.count == Self.size, bytes[0] == UInt8(ascii: "D"), bytes[1] == UInt8(ascii: "B")
        else { throw ProtocolError(.malformed, "the first frame is not a message header") }
        version = bytes[2]
        guard let kind = MessageKind(rawValue: bytes[3]) else {
            throw ProtocolError(.malformed, "there is no message kind \(bytes[3])")
        }
        self.kind = kind
        requestID = bytes.uint64(at: 8)
    }

    /// Throws `version` if this build does not speak the message's version.
    ///
    /// A hello passes in every version, because a client uses it to find a common version.
    public func checkVersion() throws(ProtocolError) {
        guard version == Self.version || kind == .hello else { throw .otherVersion(version) }
    }

    /// The header as it travels.
    public var encoded: InlineArray<16, UInt8> {
        var bytes = InlineArray<16, UInt8>(repeating: 0)
        bytes[0] = UInt8(ascii: "D")
        bytes[1] = UInt8(ascii: "B")
        bytes[2] = version
        bytes[3] = kind.rawValue
        var span = bytes.mutableSpan
        span.set(requestID, at: 8)
        return bytes
    }

    /// The header as it travels, in an array.
    public var bytes: [UInt8] { encoded.span.array }
}

/// The kind of a message. Requests are below 128, answers above.
public enum MessageKind: UInt8, Sendable {
    /// Asks for the versions and identity of a process. Body: JSON ``Hello``.
    case hello = 1
    /// Appends events. Body: a condition frame, a records frame.
    case append = 2
    /// Starts a read. Body: ``ReadRequest``.
    case read = 3
    /// Lets a read send more chunks. Body: a 32-bit count.
    case credit = 4
    /// Stops a read before its end. No body.
    case cancel = 5
    /// Calls an operation by name. Body: the name, then its argument.
    case call = 6
    /// Appends several batches. Body: one frame of ``AppendPart``s.
    case appendMany = 7

    /// Answers a hello. Body: JSON ``Welcome``.
    case welcome = 129
    /// Answers an append. Body: ``Appended``.
    case appended = 130
    /// Answers a read, several times. Body: a ``ChunkHeader`` frame, a frame of records.
    case chunk = 131
    /// Answers a call. Body: the result, mostly JSON.
    case result = 134
    /// Answers an `appendMany`. Body: one frame of ``AppendOutcomes``.
    case appendedMany = 135
    /// Answers any request that failed. Body: ``ProtocolError``.
    case error = 255
}

/// A client's first message.
public struct Hello: Codable, Hashable, Sendable {
    /// The client's name, for logs.
    public var client: String
    /// The lowest protocol version that the client speaks.
    public var minimumVersion: UInt8
    /// The highest protocol version that the client speaks.
    public var maximumVersion: UInt8

    /// Creates a hello with this build's protocol version.
    public init(client: String) {
        self.client = client
        minimumVersion = MessageHeader.version
        maximumVersion = MessageHeader.version
    }

    /// Throws `version` if the client and this build have no protocol version in common.
    public func checkVersion() throws(ProtocolError) {
        guard (minimumVersion...max(minimumVersion, maximumVersion)).contains(MessageHeader.version)
        else { throw .otherVersion(maximumVersion) }
    }
}

/// The answer to ``Hello``.
public struct Welcome: Codable, Hashable, Sendable {
    /// The protocol version that both sides speak from now on.
    public var version = MessageHeader.version
    /// The process's name, such as `event-store` or `orders`.
    public var server: String
    /// The log's identity, made with the log. Positions are valid in this log only.
    public var log: EventID
    /// The position of the last event, or 0 for an empty log and for a service.
    public var head: UInt64
    /// The endpoint of the feed. Nil for a service, and for a client that may not read all events.
    public var feed: String?
    /// The endpoint of the bus. Nil for a service, and for an event store without a bus.
    public var bus: String?
    /// The position of the last event that was imported from another log. Nil without one.
    public var history: UInt64?

    /// Creates a welcome.
    public init(
        server: String, log: EventID, head: UInt64 = 0, feed: String? = nil, bus: String? = nil,
        history: UInt64? = nil
    ) {
        self.server = server
        self.log = log
        self.head = head
        self.feed = feed
        self.bus = bus
        self.history = history
    }
}
