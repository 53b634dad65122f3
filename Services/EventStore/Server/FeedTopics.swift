import EventSourcing

/// Which topics are subscribed to, or were.
///
/// The end of a subscription is not counted: libzmq passes on what a peer says, and one that ends
/// what it never began must not silence others. A topic that nobody listens to any more costs
/// little.
struct FeedTopics {
    /// Beyond so many prefixes, everything is published.
    private static let most = 10_000

    private var prefixes: Set<[UInt8]> = []
    private var wantsAll = false

    var isEmpty: Bool { prefixes.isEmpty && !wantsAll }
    /// How many different prefixes were subscribed to.
    var count: Int { prefixes.count }

    /// Notes what an XPUB has received: 1 for a subscription, and the prefix.
    mutating func note(_ message: [UInt8]) {
        guard message.first == 1, !wantsAll else { return }
        prefixes.insert(Array(message.dropFirst()))
        wantsAll = prefixes.contains([]) || prefixes.count > Self.most
    }

    func want(_ topic: [UInt8]) -> Bool {
        wantsAll || prefixes.contains(where: topic.starts(with:))
    }

    /// `<category>.<type>`
    static func topic(of record: Span<UInt8>, _ header: RecordHeader) -> [UInt8] {
        var topic = category(of: record, header, reserving: header.type.count + 1)
        topic.append(UInt8(ascii: "."))
        let type = record.extracting(header.type)
        for index in type.indices { topic.append(type[index]) }
        return topic
    }

    /// What stands before the first hyphen in the name of the record's stream.
    ///
    /// - Parameter count: how many bytes will be added to it.
    static func category(
        of record: Span<UInt8>, _ header: RecordHeader, reserving count: Int = 0
    ) -> [UInt8] {
        let stream = record.extracting(header.stream)
        var category: [UInt8] = []
        category.reserveCapacity(stream.count + count)
        for index in stream.indices {
            guard stream[index] != UInt8(ascii: "-") else { break }
            category.append(stream[index])
        }
        return category
    }
}
