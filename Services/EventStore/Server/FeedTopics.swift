import Bytes
import EventLog
import EventSourcing

/// The topic prefixes that subscribers have asked for.
///
/// A prefix is never removed. libzmq forwards the end of a subscription even from a peer that never
/// began it, and such a peer must not silence others. A topic without subscribers costs little.
struct FeedTopics {
    /// The largest number of prefixes. With more, everything is published.
    private static let most = 10_000

    private var prefixes: Set<[UInt8]> = []
    private var wantsAll = false

    var isEmpty: Bool { prefixes.isEmpty && !wantsAll }
    /// The number of different prefixes.
    var count: Int { prefixes.count }

    /// Records a message of the XPUB socket: a byte that is 1 for a subscription, and the prefix.
    mutating func note(_ message: [UInt8]) {
        guard message.first == 1, !wantsAll else { return }
        prefixes.insert(Array(message.dropFirst()))
        wantsAll = prefixes.contains([]) || prefixes.count > Self.most
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
