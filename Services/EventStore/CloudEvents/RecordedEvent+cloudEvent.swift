import Bytes
public import EventSourcing
import JSON

extension RecordedEvent {
    /// Creates an event from a CloudEvent, with position, revision and time if the line has them.
    ///
    /// - Parameter stream: the stream of the event, or nil to use its subject.
    /// - Throws: `invalid` if the line is not a valid event.
    public init(cloudEvent line: [UInt8], in stream: StreamName? = nil) throws {
        struct Place: Decodable {
            var position: String?
            var revision: String?
            var time: Timestamp?
        }
        var record: [UInt8] = []
        try CloudEvents.event(line[...], to: stream).encode(into: &record)
        let place = try JSON.decode(Place.self, from: line)
        func set(_ value: UInt64?, at offset: Int) {
            var bytes: [UInt8] = []
            bytes.append(littleEndian: value ?? 0)
            record.replaceSubrange(offset..<offset + bytes.count, with: bytes)
        }
        set(place.position.flatMap { UInt64($0) }, at: RecordLayout.position)
        set(place.revision.flatMap { UInt64($0) }, at: RecordLayout.revision)
        set(
            place.time.map { UInt64(bitPattern: $0.microseconds) }, at: RecordLayout.time)
        try self.init(record[...])
    }
}
