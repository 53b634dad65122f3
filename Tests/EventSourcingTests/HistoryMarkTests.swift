import EventSourcing
import Testing

@Suite struct `Original time of history` {
    private static let time = Timestamp(microseconds: 1_767_225_600_123_456)

    /// The event as the store would record it as history.
    private func history(_ event: NewEvent) throws -> RecordedEvent {
        var event = event
        event.originalTime = Self.time
        var record = try encode(event)
        record[RecordLayout.flags] = RecordLayout.history
        // A commit after every original time.
        record.replaceSubrange(
            RecordLayout.time..<RecordLayout.time + 8,
            with: [UInt8](repeating: 0xFF, count: 7) + [0x7F])
        return try RecordedEvent(record[...])
    }

    @Test(arguments: [
        "", "{}", "{ }", #"{"actor":"a"}"#, #"{"actor":"a","actor":"b"}"#, #"{ "actor" : "a" } "#,
        #" {"actor":"a"}"#, "no JSON", #"{"actor":"#, "[1]", "null", "\u{0}\u{1}",
        #"{"originalTime":"2026-01-31T12:00:00.000000Z"}"#, #"{"originalMetadata":"e30="}"#,
        #"{"original\u004detadata":"e30=","actor":"a"}"#,
        #"{"cloudevent":{"id":"1","source":"s"}}"#,
    ])
    func `Metadata comes back to the byte, and the time stands before it`(metadata: String) throws {
        var event = try sample()
        event.metadata = Array(metadata.utf8)
        let recorded = try history(event)
        #expect(Array(recorded.metadata) == event.metadata)
        #expect(recorded.originalTime == Self.time && recorded.occurredAt == Self.time)
        #expect(Array(recorded.data) == event.data && recorded.tags == event.tags)
        // Other readers find a JSON object with the member.
        let stored = String(decoding: recorded.bytes, as: UTF8.self)
        #expect(stored.contains(#"{"originalTime":"2026-01-01T00:00:00.123456Z""#))
    }

    @Test func `Metadata that is not UTF-8 comes back to the byte`() throws {
        var event = try sample()
        event.metadata = [0x7B, 0xFF, 0xFE, 0x7D]
        #expect(Array(try history(event).metadata) == event.metadata)
    }

    @Test(arguments: [
        "", "{}", #"{"originalTime":"2026-01-31T12:00:00Z"}"#,
        #"{"originalTime":"2026-01-31T12:00:00.00000xZ"}"#,
        #"{"originalTime":"2026-13-31T12:00:00.000000Z"}"#,
        #"{"originalTime":"2026-01-31T12:00:00.000000Z""#,
        #"{"a":1,"originalTime":"2026-01-31T12:00:00.000000Z"}"#,
    ])
    func `Metadata without a valid mark has no original time`(metadata: String) {
        #expect(HistoryMark.time(in: Array(metadata.utf8)[...]) == nil)
    }
}
