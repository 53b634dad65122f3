import Bytes
public import EventSourcing

/// The messages of the feed: two frames, a topic and what it announces.
///
/// An event's topic is `<category>.<type>` and its second frame the record. The topic `$heartbeat`
/// carries the head, so that a subscriber that missed the last event learns of it.
public enum Feed {
    /// Where those knock who want to listen: at a door of its own, for it opens to who may read
    /// everything.
    public static let door = "feed"
    public static let heartbeatTopic = "$heartbeat"
    /// The longest time between two heartbeats.
    public static let heartbeatInterval: Duration = .milliseconds(250)

    /// The prefix of the topics of a category's events.
    public static func prefix(category: String) -> String { "\(category)." }
}

/// The second frame of a heartbeat: 8 bytes head, 8 bytes time, 16 bytes identity of the log.
public struct Heartbeat: Hashable, Sendable {
    public static let wireSize = 32

    public var head: UInt64
    public var time: Timestamp
    public var log: EventID

    public init(head: UInt64, time: Timestamp, log: EventID) {
        self.head = head
        self.time = time
        self.log = log
    }

    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(littleEndian: head)
        bytes.append(littleEndian: time.microseconds)
        bytes.append(littleEndian: log.high.byteSwapped)
        bytes.append(littleEndian: log.low.byteSwapped)
        return bytes
    }

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
