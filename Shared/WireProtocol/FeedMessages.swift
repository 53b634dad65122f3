import Bytes
public import EventSourcing

/// The messages of the feed. Each has two frames: a topic and its content.
///
/// An event's topic is `<category>.<type>` and its second frame the record. The topic `$heartbeat`
/// carries the head, so that a subscriber notices that it missed the last event.
public enum Feed {
    /// The feed's own ZAP domain: only keys that may read all events are admitted.
    public static let zapDomain = "feed"
    /// The topic of heartbeats.
    public static let heartbeatTopic = "$heartbeat"
    /// The longest time between two heartbeats.
    public static let heartbeatInterval: Duration = .milliseconds(250)

    /// Returns the topic prefix of a category's events.
    public static func prefix(category: String) -> String { "\(category)." }
}

/// The second frame of a heartbeat: 8 bytes head, 8 bytes time, 16 bytes identity of the log.
public struct Heartbeat: Hashable, Sendable {
    /// The size of a heartbeat, in bytes.
    public static let wireSize = 32

    /// The position of the last event, or 0 for an empty log.
    public var head: UInt64
    /// The store's time when it sent the heartbeat.
    public var time: Timestamp
    /// The identity of the log.
    public var log: EventID

    /// Creates a heartbeat.
    public init(head: UInt64, time: Timestamp, log: EventID) {
        self.head = head
        self.time = time
        self.log = log
    }

    /// The heartbeat as it travels.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(littleEndian: head)
        bytes.append(littleEndian: time.microseconds)
        bytes.append(log)
        return bytes
    }

    /// Reads a heartbeat.
    ///
    /// - Throws: `malformed` if it has another size.
    public init(_ bytes: Span<UInt8>) throws(ProtocolError) {
        guard bytes.count == Self.wireSize else {
            throw ProtocolError(.malformed, "a heartbeat has \(bytes.count) bytes")
        }
        self.init(
            head: bytes.uint64(at: 0),
            time: Timestamp(microseconds: Int64(bitPattern: bytes.uint64(at: 8))),
            log: bytes.eventID(at: 16))
    }
}
