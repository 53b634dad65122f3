import EventSourcing

/// Which topics are subscribed to.
struct FeedTopics {
    /// How often each prefix is.
    private var prefixes: [[UInt8]: Int] = [:]

    var isEmpty: Bool { prefixes.isEmpty }
    /// How many subscriptions there are.
    var count: Int { prefixes.values.reduce(0, +) }

    /// Notes what an XPUB has received: 1 for a subscription or 0 for its end, and the prefix.
    mutating func note(_ message: [UInt8]) {
        guard let first = message.first else { return }
        let prefix = Array(message.dropFirst())
        let count = (prefixes[prefix] ?? 0) + (first == 1 ? 1 : -1)
        prefixes[prefix] = count > 0 ? count : nil
    }

    func want(_ topic: [UInt8]) -> Bool {
        prefixes[[]] != nil || prefixes.keys.contains(where: topic.starts(with:))
    }

    /// `<category>.<type>`
    static func topic(of record: Span<UInt8>, _ header: RecordHeader) -> [UInt8] {
        let stream = record.extracting(header.stream)
        var topic: [UInt8] = []
        topic.reserveCapacity(stream.count + header.type.count + 1)
        for index in stream.indices {
            guard stream[index] != UInt8(ascii: "-") else { break }
            topic.append(stream[index])
        }
        topic.append(UInt8(ascii: "."))
        let type = record.extracting(header.type)
        for index in type.indices { topic.append(type[index]) }
        return topic
    }
}
