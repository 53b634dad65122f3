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
        var event = try CloudEvents.event(line[...], to: stream, mayBeAmended: true)
        // The time goes to the record's head.
        event.originalTime = nil
        try event.encode(into: &record)
        let place = try JSON.decode(Place.self, from: line)
        var bytes = record.mutableSpan
        bytes.set(place.position.flatMap { UInt64($0) } ?? 0, at: RecordLayout.position)
        bytes.set(place.revision.flatMap { UInt64($0) } ?? 0, at: RecordLayout.revision)
        bytes.set(place.time?.microseconds ?? 0, at: RecordLayout.time)
        try self.init(record[...])
    }
}
