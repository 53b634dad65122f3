import EventSourcing

/// Events such as the field's own benchmarks append: 256 bytes of data.
enum Load {
    static let data =
        [UInt8](#"{"text":""#.utf8) + [UInt8](repeating: 0x78, count: 245) + Array("\"}".utf8)

    static func event(_ number: UInt64, streams: UInt64) throws -> NewEvent {
        NewEvent(
            stream: try StreamName(category: "bench", id: String(number % streams)),
            type: "Measured",
            tags: [], data: data)
    }
}
