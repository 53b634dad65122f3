import EventSourcing
import Testing

@Suite struct `Recorded events` {
    @Test func `Record has all fields of its event`() throws {
        let event = try sample()
        let bytes = try encode(event)
        #expect(bytes.count == event.recordSize)
        #expect(bytes.count.isMultiple(of: 8))
        let record = try RecordedEvent(bytes[...])
        #expect(record.id == event.id)
        #expect(record.stream == event.stream)
        #expect(record.category == "account")
        #expect(record.type == event.type)
        #expect(record.tags == event.tags)
        #expect(record.correlationID == event.correlationID)
        #expect(record.causationID == event.causationID)
        #expect(record.contentType == "application/json")
        #expect(Array(record.metadata) == event.metadata)
        #expect(Array(record.data) == event.data)
    }

    @Test func `Truncated record is rejected`() throws {
        let bytes = try encode(sample())
        for count in 0..<bytes.count {
            #expect(throws: RecordError.self) { try RecordedEvent(bytes.prefix(count)) }
        }
    }

    @Test func `Record of an unknown version is rejected with that version`() throws {
        var bytes = try encode(sample())
        bytes[RecordLayout.layoutVersion] = 9
        #expect(throws: RecordError.unknownVersion(9)) { try RecordedEvent(bytes[...]) }
    }

    @Test func `Record sequence returns its records in order`() throws {
        var bytes: [UInt8] = []
        let datas = (0..<50).map { String(repeating: "x", count: $0) }
        for data in datas { try sample(data: data).encode(into: &bytes) }
        let sequence = try RecordSequence(bytes[...])
        #expect(sequence.map { String(decoding: $0.data, as: UTF8.self) } == datas)
        #expect(throws: RecordError.self) { try RecordSequence(bytes.dropLast()) }
    }
}
