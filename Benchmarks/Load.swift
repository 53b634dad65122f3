import EventSourcing

/// Events with 256 bytes of data, like those that other event stores' benchmarks append.
enum Load {
    static let data =
        [UInt8](#"{"text":""#.utf8) + [UInt8](repeating: 0x78, count: 245) + Array("\"}".utf8)

    /// Returns the streams `bench-0`, `bench-1` and so on. They are named before the measurement
    /// starts.
    static func streams(_ count: UInt64) throws -> [StreamName] {
        try (0..<count).map { try StreamName(category: "bench", id: String($0)) }
    }

    static func event(in stream: StreamName) -> NewEvent {
        NewEvent(stream: stream, type: "Measured", data: data)
    }

    static func conversation(_ number: UInt64) -> EventID { EventID(high: 1, low: number) }
}
