import EventLog
import EventSourcing
import Testing

@Suite struct `Validation of records` {
    @Test func `Empty, duplicate, oversized or damaged append is rejected`() throws {
        var log = try open(FaultyStorage())
        #expect(throws: AppendError.self) { try log.stage([]) }
        #expect(throws: AppendError.self) { try log.stage([event(1), event(1)]) }
        #expect(throws: AppendError.self) {
            try log.stage([event(1, text: String(repeating: "x", count: 5000))])
        }
        var bytes: [UInt8] = []
        try event(1).encode(into: &bytes)
        for index in RecordLayout.headSize..<bytes.count {
            var damaged = bytes
            damaged[index] ^= 1
            #expect(throws: AppendError.self) { try log.stage(damaged.span) }
        }
        try log.commit()
        #expect(log.head == 0)
    }
}
