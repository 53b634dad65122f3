import EventSourcing
import Testing

@Suite struct `Amendments` {
    private let original: RecordedEvent

    init() throws {
        var bytes = try encode(sample(data: #"{"amount":1177}"#))
        bytes[RecordLayout.position] = 7
        bytes[RecordLayout.revision] = 3
        bytes[RecordLayout.flags] = RecordLayout.moreOfAppend
        original = try RecordedEvent(bytes[...])
    }

    @Test(arguments: ["", "1", #"{"amount":1}"#, String(repeating: "x", count: 5000)])
    func `Event with new data keeps everything else, and has valid checksums`(
        _ text: String
    ) throws {
        let made = original.amended(by: .data(Array(text.utf8)))
        // A reader checks the bytes in the same way.
        let amended = try RecordedEvent(made.bytes)
        try amended.verify()
        #expect(amended.bytes.count == made.bytes.count)
        #expect(amended.data.elementsEqual(text.utf8))
        #expect(amended.isAmended && !amended.isSkipped && amended.hasMoreOfAppend)
        #expect(amended.position == 7 && amended.revision == 3)
        #expect(amended.id == original.id && amended.stream == original.stream)
        #expect(amended.type == original.type && amended.tags == original.tags)
        #expect(amended.metadata.elementsEqual(original.metadata))
        #expect(amended.contentType == original.contentType)
        #expect(amended.correlationID == original.correlationID)
        #expect(amended.causationID == original.causationID)
    }

    @Test func `Skipped event keeps its bytes except for its flags and their checksum`() throws {
        let skipped = original.amended(by: .skip)
        try skipped.verify()
        #expect(skipped.isSkipped && !skipped.isAmended && skipped.hasMoreOfAppend)
        #expect(skipped.body.elementsEqual(original.body))
        #expect(!original.isSkipped && !original.isAmended)
    }

    @Test func `Amendment that would make a record too large is rejected`() throws {
        let rest = original.bytes.count - original.data.count
        let most = Limits.recordBytes - RecordLayout.padded(rest)
        #expect(throws: Never.self) {
            try original.checkSize(under: .data(Array(repeating: 0, count: most)))
            try original.checkSize(under: .skip)
        }
        for count in [Limits.recordBytes - 112, Limits.recordBytes, Limits.recordBytes * 2] {
            let error = #expect(throws: DaybookError.self) {
                try original.checkSize(under: .data(Array(repeating: 0, count: count)))
            }
            #expect(error?.kind == .invalid)
        }
    }
}
