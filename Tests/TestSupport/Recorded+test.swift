public import EventSourcing

/// Returns the record of an event at a position of a log.
public func record(
    at position: UInt64, stream: String, type: String, tags: [String] = [], data: String
) throws -> RecordedEvent {
    var bytes: [UInt8] = []
    try NewEvent(stream: try StreamName(stream), type: type, tags: tags, data: Array(data.utf8))
        .encode(into: &bytes)
    for byte in 0..<8 {
        bytes[RecordLayout.position + byte] = UInt8(truncatingIfNeeded: position >> (8 * byte))
    }
    return try RecordedEvent(bytes[...])
}

/// Returns an event as a projection gets it, committed as many seconds after the beginning of 1970
/// as its position says.
public func recorded<Event>(_ event: Event, _ position: Int) throws -> Recorded<Event> {
    Recorded(
        event, position: UInt64(position), stream: try StreamName("test-1"), revision: 0,
        id: .none, time: Timestamp(microseconds: 0) + .seconds(position), correlationID: .none)
}
