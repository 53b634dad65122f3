import EventSourcing
import Testing

@Suite struct `Record checksums` {
    @Test func `Damaged byte in a record's body is detected`() throws {
        let bytes = try encode(sample())
        for index in RecordLayout.headSize..<bytes.count {
            var damaged = bytes
            damaged[index] ^= 0x10
            #expect(throws: RecordError.self) { try RecordHeader.verifyBody(damaged.span) }
        }
        #expect(throws: Never.self) { try RecordHeader.verifyBody(bytes.span) }
    }
}
