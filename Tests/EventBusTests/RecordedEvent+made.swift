import Bytes
import EventSourcing

extension RecordedEvent {
    /// An event as the log would give it back.
    static func made(at position: UInt64, group: EventID, time: Timestamp) throws -> RecordedEvent {
        var bytes: [UInt8] = []
        try NewEvent(
            id: EventID(high: 2, low: position), stream: try StreamName("s-1"), type: "T",
            correlationID: group, data: []
        ).encode(into: &bytes)
        for (offset, value) in [
            (RecordLayout.position, Int64(position)), (RecordLayout.time, time.microseconds),
        ] {
            var field: [UInt8] = []
            field.append(littleEndian: value)
            bytes.replaceSubrange(offset..<offset + 8, with: field)
        }
        return try RecordedEvent(bytes[...])
    }
}
