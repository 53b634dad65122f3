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
    public static let size = 16
    /// The protocol version that this build speaks.
    public static let version: UInt8 = 1

    public var version: UInt8
    public var kind: MessageKind
    public var requestID: UInt64

    public init(_ kind: MessageKind, requestID: UInt64) {
        self.version = Self.version
        self.kind = kind
        self.requestID = requestID
    }

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

    /// Throws if the message is of a version that this build does not speak. A hello is the same in
    /// every version: it is how a client finds out.
    public func checkVersion() throws(ProtocolError) {
        guard version == Self.version || kind == .hello else { throw .otherVersion(version) }
    }

    public var bytes: [UInt8] {
        var bytes: [UInt8] = [
            UInt8(ascii: "D"), UInt8(ascii: "B"), version, kind.rawValue, 0, 0, 0, 0,
        ]
        bytes.append(littleEndian: requestID)
        return bytes
    }
}

/// What a message is. Requests are below 128, answers above.
public enum MessageKind: UInt8, Sendable {
    /// Asks for the versions and identity of a process. Body: JSON ``Hello``.
    case hello = 1
    /// Appends events. Body: a condition frame, a records frame.
    case append = 2
    /// Starts a read. Body: ``ReadRequest``.
    case read = 3
    /// Lets a read send more chunks. Body: a 32-bit count.
    case credit = 4
    /// Ends a read before its end. No body.
    case cancel = 5
    /// Asks for something by name. Body: the name, then its JSON argument.
    case call = 6
    /// Appends that travel together. Body: one frame of ``AppendPart``s.
    case appendMany = 7

    /// Body: JSON ``Welcome``.
    case welcome = 129
    /// Body: ``AppendReply``.
    case appended = 130
    /// Body: a ``ChunkHeader`` frame, a frame of records.
    case chunk = 131
    /// The answer to a call. Body: JSON.
    case result = 134
    /// Body: one frame of ``AppendOutcomes``.
    case appendedMany = 135
    /// Body: ``ProtocolError``.
    case error = 255
}

/// A client's first message.
public struct Hello: Codable, Hashable, Sendable {
    public var client: String
    public var minimumVersion: UInt8
    public var maximumVersion: UInt8

    public init(client: String) {
        self.client = client
        minimumVersion = MessageHeader.version
        maximumVersion = MessageHeader.version
    }

    /// Throws if the client and this build have no version in common.
    public func checkVersion() throws(ProtocolError) {
        guard (minimumVersion...max(minimumVersion, maximumVersion)).contains(MessageHeader.version)
        else { throw .otherVersion(maximumVersion) }
    }
}

/// The answer to ``Hello``.
public struct Welcome: Codable, Hashable, Sendable {
    /// The version that both speak.
    public var version: UInt8
    /// The process's name: `event-store`, `orders`.
    public var server: String
    /// The log's identity, made when the log was: positions mean something in this log only.
    public var log: EventID
    /// The position of the last event, or 0.
    public var head: UInt64
    /// Where the feed is, if this is the event store.
    public var feed: String?
    /// Where the bus takes its calls, if this is the event store and has one.
    public var bus: String?

    public init(
        version: UInt8, server: String, log: EventID, head: UInt64, feed: String?,
        bus: String? = nil
    ) {
        self.version = version
        self.server = server
        self.log = log
        self.head = head
        self.feed = feed
        self.bus = bus
    }
}
