import Bytes
public import EventSourcing

// A query on the wire: 2 bytes number of items, then for each item four lists (streams, categories,
// types, tags). Each list is its number of names, 2 bytes, and the names, each after its length, 1
// byte.
//
// If the highest bit of the number of items is set, each item has a fifth list: its number, 2
// bytes, and as many correlation ids of 16 bytes. A query without correlation ids keeps the older
// form.

extension EventQuery {
    /// The largest number of items in a query, and of names in each of their lists.
    public static let wireLimit = 1000
    /// The largest number of names and correlation ids in all lists of a query together.
    public static let wireNames = 10_000
    /// The largest size of a query, in bytes. Within the other limits, it can't be reached.
    public static let wireBytes = 4 << 20

    func encode(into bytes: inout [UInt8]) throws(ProtocolError) {
        guard items.count <= Self.wireLimit, nameCount <= Self.wireNames
        else { throw Self.tooLarge }
        let hasCorrelations = items.contains { !$0.correlations.isEmpty }
        bytes.append(
            littleEndian: UInt16(items.count) | (hasCorrelations ? Self.correlationsFlag : 0))
        for item in items {
            for names in [item.streams.map(\.description), item.categories, item.types, item.tags] {
                guard names.count <= Self.wireLimit else { throw Self.tooLarge }
                try bytes.append(names: names)
            }
            guard hasCorrelations else { continue }
            guard item.correlations.count <= Self.wireLimit else { throw Self.tooLarge }
            bytes.append(littleEndian: UInt16(item.correlations.count))
            for id in item.correlations {
                bytes.append(id)
            }
        }
    }

    init(_ reader: inout ByteReader) throws(ProtocolError) {
        var items: [Item] = []
        var names = 0
        let number = try reader.uint16()
        let hasCorrelations = number & Self.correlationsFlag != 0
        for _ in 0..<(number & ~Self.correlationsFlag) {
            var item = Item()
            for _ in 0..<(try reader.listCount()) { item.streams.append(try reader.streamName()) }
            item.categories = try reader.strings()
            item.types = try reader.strings()
            item.tags = try reader.strings()
            if hasCorrelations { item.correlations = try reader.eventIDs() }
            items.append(item)
            names += item.names
            guard items.count <= Self.wireLimit, names <= Self.wireNames else {
                throw Self.tooLarge
            }
        }
        self.init(items)
    }

    /// The number of names and correlation ids in all lists together.
    public var nameCount: Int { items.reduce(0) { $0 + $1.names } }

    private static let correlationsFlag: UInt16 = 0x8000

    /// The error of a query that exceeds one of these limits.
    public static var tooLarge: ProtocolError {
        ProtocolError(
            .invalid,
            "a query has up to \(wireLimit) items, \(wireLimit) names in each list, and "
                + "\(wireNames) names in all; ask for fewer at a time")
    }
}

extension EventQuery.Item {
    /// The number of names and ids in all lists.
    fileprivate var names: Int {
        streams.count + categories.count + types.count + tags.count + correlations.count
    }
}
