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
    /// How many prefixes a connection may subscribe to, and of how many bytes. libzmq keeps 30
    /// bytes for each of them.
    private static let (ofConnection, bytesOfConnection) = (256, 16 << 10)

    private var prefixes: Set<[UInt8]> = []
    private var wantsAll = false
    private var byConnection: [Connection: (prefixes: Int, bytes: Int)] = [:]

    var isEmpty: Bool { prefixes.isEmpty && !wantsAll }
    /// The number of different prefixes.
    var count: Int { prefixes.count }

    /// Records a message of the XPUB socket: a byte that is 1 for a subscription, and the prefix.
    ///
    /// - Parameter connection: the connection by which it came, or nil if the subscriber is in the
    ///   same process.
    /// - Returns: false if the connection has subscribed to too much.
    mutating func note(_ message: [UInt8], by connection: Connection?) -> Bool {
        guard message.first == 1 else { return true }
        if let connection {
            let own = byConnection[connection] ?? (0, 0)
            let sum = (prefixes: own.prefixes + 1, bytes: own.bytes + message.count)
            byConnection[connection] = sum
            guard sum.prefixes <= Self.ofConnection, sum.bytes <= Self.bytesOfConnection else {
                return false
            }
        }
        guard !wantsAll else { return true }
        prefixes.insert(Array(message.dropFirst()))
        wantsAll = prefixes.contains([]) || prefixes.count > Self.most
        return true
    }

    /// Forgets the connections that have ended.
    mutating func forgetClosed() { byConnection = byConnection.filter { $0.key.isOpen } }

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
