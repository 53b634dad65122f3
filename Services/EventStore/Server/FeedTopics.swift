import Bytes
import EventLog
import EventSourcing
import ZeroMQ

/// The topic prefixes that subscribers have asked for.
///
/// A prefix is never removed. libzmq forwards the end of a subscription even from a peer that never
/// began it, and such a peer must not silence others. A topic without subscribers costs little.
struct FeedTopics {
    /// The largest number of prefixes. With more, everything is published.
    private static let most = 10_000
    /// How many prefixes a connection may subscribe to at a time, and of how many bytes. libzmq
    /// keeps about 90 bytes for each of them.
    private static let (ofConnection, bytesOfConnection) = (256, 16 << 10)
    /// How many bytes the prefixes of all connections may have, and how many each connection may
    /// have beyond that.
    private static let (bytesOfAll, bytesAlways) = (64 << 10, 256)

    private var prefixes: Set<[UInt8]> = []
    private var wantsAll = false
    private var byConnection: [Connection: (prefixes: Set<[UInt8]>, bytes: Int)] = [:]
    private var bytes = 0

    var isEmpty: Bool { prefixes.isEmpty && !wantsAll }
    /// The number of different prefixes.
    var count: Int { prefixes.count }

    /// Records a message of the XPUB socket: a byte that is 1 for a subscription, and the prefix.
    ///
    /// - Parameter connection: the connection by which it came, or nil if the subscriber is in the
    ///   same process.
    /// - Returns: false if the connection has subscribed to too much.
    mutating func note(_ message: [UInt8], by connection: Connection?) -> Bool {
        let prefix = Array(message.dropFirst())
        let begins = message.first == 1
        if let connection, !count(prefix, of: connection, begins: begins) { return false }
        guard begins, !wantsAll else { return true }
        prefixes.insert(prefix)
        wantsAll = prefixes.contains([]) || prefixes.count > Self.most
        return true
    }

    /// Counts the beginning or the end of a subscription. Returns false if the connection has too
    /// much.
    private mutating func count(
        _ prefix: [UInt8], of connection: Connection, begins: Bool
    ) -> Bool {
        var own = byConnection[connection] ?? ([], 0)
        let isChange =
            begins ? own.prefixes.insert(prefix).inserted : own.prefixes.remove(prefix) != nil
        guard isChange else { return true }
        let change = begins ? prefix.count : -prefix.count
        own.bytes += change
        bytes += change
        byConnection[connection] = own
        let most = bytes <= Self.bytesOfAll ? Self.bytesOfConnection : Self.bytesAlways
        return !begins || own.prefixes.count <= Self.ofConnection && own.bytes <= most
    }

    /// Forgets the connections that have ended.
    mutating func forgetClosed() {
        byConnection = byConnection.filter { $0.key.isOpen }
        bytes = byConnection.values.reduce(0) { $0 + $1.bytes }
    }

    func isSubscribed(to topic: [UInt8]) -> Bool {
        wantsAll || prefixes.contains(where: topic.starts(with:))
    }

    /// Returns the topic of the record, `<category>.<type>`.
    static func topic(of record: Span<UInt8>, _ header: RecordHeader) -> [UInt8] {
        let stream = record.extracting(header.stream)
        var topic: [UInt8] = []
        topic.reserveCapacity(stream.count + header.type.count + 1)
        topic.append(contentsOf: stream.extracting(first: categoryLength(of: stream)))
        topic.append(UInt8(ascii: "."))
        topic.append(contentsOf: record.extracting(header.type))
        return topic
    }
}
