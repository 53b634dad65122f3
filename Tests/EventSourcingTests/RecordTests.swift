import Testing

@testable import Bytes
@testable import EventSourcing

@Suite struct `Record encoding` {
    private func sample(data: String = #"{"amount":1177}"#) throws -> NewEvent {
        NewEvent(
            id: EventID(high: 1, low: 2), stream: try StreamName("account-7"),
            type: "MoneyCredited", tags: ["customer:7", "ünïcode"],
            correlationID: EventID(high: 3, low: 4), causationID: EventID(high: 5, low: 6),
            metadata: Array(#"{"actor":"a"}"#.utf8), data: Array(data.utf8))
    }

    private func encode(_ event: NewEvent) throws -> [UInt8] {
        var bytes: [UInt8] = []
        try event.encode(into: &bytes)
        return bytes
    }

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

    /// The expected bytes are those that another program writes by docs/protocol.md.
    @Test func `Record has the bytes of format version 1`() throws {
        let bytes = try encode(
            NewEvent(
                id: EventID(high: 0x0102_0304_0506_0708, low: 0x090A_0B0C_0D0E_0F10),
                stream: StreamName("a-1"), type: "T", tags: ["x"], contentType: "j", data: [0xFF]))
        var hex = ""
        for byte in bytes { hex += (byte < 16 ? "0" : "") + String(byte, radix: 16) }
        let expected = """
            78000000044ab1a80000000000000000000000000000000000000000000000000000000000000000
            01000000000000000102030405060708090a0b0c0d0e0f100102030405060708090a0b0c0d0e0f10
            0000000000000000000000000000000003010101020000000000000001000000612d31546a0178ff
            """
        #expect(hex == expected.filter { $0 != "\n" })
    }

    @Test func `Damaged byte in a record's body is detected`() throws {
        let bytes = try encode(sample())
        for index in RecordLayout.headSize..<bytes.count {
            var damaged = bytes
            damaged[index] ^= 0x10
            #expect(throws: RecordError.self) { try RecordHeader.verifyBody(damaged.span) }
        }
        #expect(throws: Never.self) { try RecordHeader.verifyBody(bytes.span) }
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

    @Test func `Event over a limit or with an invalid type is rejected`() throws {
        var event = try sample()
        event.tags = (0...Limits.tags).map { "t\($0)" }
        #expect(throws: DaybookError.self) { try encode(event) }
        event = try sample(data: String(repeating: "x", count: Limits.recordBytes))
        #expect(throws: DaybookError.self) { try encode(event) }
        event = try sample()
        event.type = "has space"
        #expect(throws: DaybookError.self) { try encode(event) }
    }

    /// RFC 3720, appendix B.4.
    @Test func `Checksum has the values of RFC 3720`() {
        #expect(checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(checksum([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
        #expect(checksum((0..<32).map { UInt8($0) }) == 0x46DD_794E)
        #expect(checksum(Array("123456789".utf8)) == 0xE306_9283)
    }

    @Test func `Checksum can be computed in parts`() {
        let head = checksum(Array("1234".utf8))
        #expect(checksum(Array("56789".utf8), seed: head) == 0xE306_9283)
    }

    @Test func `Checksum is the same with and without the processor's instruction`() {
        for count in 0..<100 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37) }
            #expect(CRC32C.sliced(bytes.span, seed: 7) == checksum(bytes, seed: 7))
        }
    }

    private func checksum(_ bytes: [UInt8], seed: UInt32 = 0) -> UInt32 {
        CRC32C.checksum(bytes.span, seed: seed)
    }
}

@Suite struct `Event queries` {
    private func record(
        _ stream: String, _ type: String, _ tags: [String] = [], in conversation: EventID = .none
    ) throws -> RecordedEvent {
        var bytes: [UInt8] = []
        try NewEvent(
            stream: StreamName(stream), type: type, tags: tags, correlationID: conversation,
            data: []
        ).encode(into: &bytes)
        return try RecordedEvent(bytes[...])
    }

    @Test func `Query without items matches every event`() throws {
        #expect(EventQuery.all.matches(try record("a-1", "T")))
    }

    @Test func `Query item matches any of its types and all of its tags`() throws {
        let query = EventQuery([.init(types: ["A", "B"], tags: ["x", "y"])])
        #expect(query.matches(try record("s-1", "A", ["y", "z", "x"])))
        #expect(!query.matches(try record("s-1", "A", ["x"])))
        #expect(!query.matches(try record("s-1", "C", ["x", "y"])))
    }

    @Test func `Query item matches any of its correlation ids`() throws {
        let ids = (1...3).map { EventID(high: 1, low: $0) }
        let query = EventQuery([.init(types: ["A"], correlations: Array(ids[..<2]))])
        #expect(query.matches(try record("s-1", "A", in: ids[1])))
        #expect(!query.matches(try record("s-1", "A", in: ids[2])))
        #expect(!query.matches(try record("s-1", "B", in: ids[1])))
        #expect(!query.isAll)
    }

    @Test func `Query matches the union of its items`() throws {
        let query = EventQuery([
            .init(categories: ["order"]), .init(streams: [try StreamName("account-1")]),
        ])
        #expect(query.matches(try record("order-9", "T")))
        #expect(query.matches(try record("account-1", "T")))
        #expect(!query.matches(try record("account-2", "T")))
    }
}
