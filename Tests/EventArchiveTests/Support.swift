import EventArchive
import EventSourcing
import ObjectStorage
import Testing

let log = EventID(high: 1, low: 2)

/// The event at a position as the log holds it, one second after the previous event.
///
/// - Parameter original: the original time of history.
func event(
    _ position: UInt64, text: String = "", original: Timestamp? = nil
) throws -> RecordedEvent {
    var event = NewEvent(
        id: EventID(high: 7, low: position), stream: try StreamName("s-\(position % 3)"), type: "T",
        tags: ["digit:\(position % 10)"],
        data: Array("event \(position) \(text)".utf8)
            + [UInt8](repeating: UInt8(ascii: "x"), count: Int(position % 7) * 40))
    event.originalTime = original
    var bytes: [UInt8] = []
    try event.encode(into: &bytes)
    if original != nil { bytes[RecordLayout.flags] = RecordLayout.history }
    func set(_ word: UInt64, at offset: Int) {
        for byte in 0..<8 { bytes[offset + byte] = UInt8(truncatingIfNeeded: word >> (8 * byte)) }
    }
    set(position, at: RecordLayout.position)
    set(position, at: RecordLayout.revision)
    set(UInt64(time(position).microseconds), at: RecordLayout.time)
    let sum = RecordHeader.headChecksum(of: bytes.span)
    for byte in 0..<4 {
        bytes[RecordLayout.headChecksum + byte] = UInt8(truncatingIfNeeded: sum >> (8 * byte))
    }
    let recorded = try RecordedEvent(bytes[...])
    try recorded.verify()
    return recorded
}

func time(_ position: UInt64) -> Timestamp {
    Timestamp(microseconds: 1_767_225_600_000_000 + Int64(position) * 1_000_000)
}

/// The events that match the archive's pattern: those at even positions.
func matching(_ positions: ClosedRange<UInt64>) throws -> [RecordedEvent] {
    try positions.filter { $0.isMultiple(of: 2) }.map { try event($0) }
}

/// An archive of the even events up to `head`, in segments of about ten.
func archived(
    _ storage: any ObjectStorage, through head: UInt64 = 100
) async throws -> ArchiveWriter {
    let writer = try await ArchiveWriter(in: storage, name: "a", log: log, segmentBytes: 3000)
    try await writer.append(try matching(1...head), through: head)
    try await writer.seal()
    return writer
}

extension ArchivedEvents {
    func positions() async throws -> [UInt64] {
        try await reduce(into: []) { $0.append($1.position) }
    }
}

/// Asserts that the archive in `storage` holds exactly `events`, byte for byte.
func expectArchive(_ storage: any ObjectStorage, holds events: [RecordedEvent]) async throws {
    let reader = try await ArchiveReader(in: storage, name: "a")
    let found = try await reader.events().reduce(into: [[UInt8]]()) { $0.append(Array($1.bytes)) }
    #expect(found == events.map { Array($0.bytes) })
    #expect(reader.manifest.events == events.count)
    #expect(try await reader.verify().isEmpty)
}

extension MemoryObjectStorage {
    /// Changes a bit of the object's byte at the offset.
    func flip(_ key: String, at offset: Int) throws {
        var bytes = try get(key)
        bytes[offset] ^= 0x20
        try put(bytes, at: key)
    }
}
