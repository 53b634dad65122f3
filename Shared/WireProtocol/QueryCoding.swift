public import EventSourcing

// A query on the wire: 2 bytes number of items, then for each item four lists (streams, categories,
// types, tags), each behind its number, 2 bytes, of names, each behind its length, 1 byte.

extension EventQuery {
    /// At most this many items, and this many names in a list.
    public static let wireLimit = 1000

    func encode(into bytes: inout [UInt8]) throws(ProtocolError) {
        guard items.count <= Self.wireLimit else { throw Self.tooLarge }
        bytes.append(littleEndian: UInt16(items.count))
        for item in items {
            for names in [item.streams.map(\.description), item.categories, item.types, item.tags] {
                guard names.count <= Self.wireLimit,
                    names.allSatisfy({ $0.utf8.count <= Limits.nameBytes })
                else { throw Self.tooLarge }
                bytes.append(names: names)
            }
        }
    }

    init(_ reader: inout ByteReader) throws(ProtocolError) {
        var items: [Item] = []
        for _ in 0..<(try reader.uint16()) {
            var streams: [StreamName] = []
            for _ in 0..<(try reader.uint16()) { streams.append(try reader.streamName()) }
            items.append(
                Item(
                    streams: streams, categories: try reader.strings(),
                    types: try reader.strings(), tags: try reader.strings()))
            guard items.count <= Self.wireLimit else { throw Self.tooLarge }
        }
        self.init(items)
    }

    private static var tooLarge: ProtocolError {
        ProtocolError(.invalid, "a query has up to \(wireLimit) items of up to \(wireLimit) names")
    }
}
