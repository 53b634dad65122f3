import EventSourcing
import Testing

@Suite struct `Encoding of new events` {
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
}
