import Bytes
import EventSourcing
import Testing

@testable import EventLog

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

    @Test func `Record over the limit is rejected as too long, and not as damaged`() throws {
        var log = try EventLog(
            in: FaultyStorage(), segmentBytes: 4 << 20, newID: EventID(high: 1, low: 2),
            newSalt: salt, now: clock)
        var bytes: [UInt8] = []
        let text = String(repeating: "x", count: Limits.recordBytes - 512)
        try event(1, text: text).encode(into: &bytes)
        _ = try log.stage(bytes.span)
        // Our own encoder refuses a longer record, so this one is made by hand.
        let length = bytes.count + 1024
        bytes += Array(repeating: 0, count: 1024)
        var record = bytes.mutableSpan
        let data = record.span.uint32(at: RecordLayout.dataLength)
        record.set(UInt32(length), at: RecordLayout.length)
        record.set(data + 1024, at: RecordLayout.dataLength)
        let reason = "the record has \(length) bytes, which exceeds 1 MiB"
        #expect(throws: AppendError.invalid(reason)) { try log.stage(bytes.span) }
    }

    @Test(arguments: ["x", "[]", "1", "{", #"{"a":1} 2"#, #"{"a"}"#, "null"])
    func `Metadata that is not a JSON object is rejected`(text: String) throws {
        var log = try open(FaultyStorage())
        var new = try event(1)
        new.metadata = Array(text.utf8)
        #expect(
            throws: AppendError.invalid("event \(new.id): its metadata is not a JSON object")
        ) { try log.stage([new]) }
        new.metadata = [0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x31, 0x7D]
        #expect(throws: AppendError.self) { try log.stage([new]) }
        for right in ["", "{}", #"{"actor":"é","more":[1e400,{"x":null}]}"#, " {\n}"] {
            var new = try event(2, text: right)
            new.id = .random()
            new.metadata = Array(right.utf8)
            try log.stage([new])
        }
    }

    @Test func `Append of which the log has a part is rejected with the number of known events`()
        throws
    {
        var log = try open(FaultyStorage())
        try log.stage([event(1), event(2), event(3)])
        try log.commit()
        let known = try event(2).id
        let error = #expect(
            throws: AppendError.partlyKnown(known, position: 2, count: 2, of: 3)
        ) { try log.stage([event(3), event(4), event(2)]) }
        #expect(
            error?.description == "the log has 2 of the append's 3 events already, among them "
                + "\(known) at position 2; append only the others")
        // Other content is the graver fault.
        #expect(throws: AppendError.idReused(known, position: 2)) {
            try log.stage([event(4), event(2, text: "other")])
        }
        #expect(log.nextPosition == 4)
    }

    @Test func `Repetition of events that were appended apart spans all of them`() throws {
        var log = try open(FaultyStorage())
        try log.stage([event(1)])
        try log.stage([event(2, stream: "s-2")])
        try log.stage([event(3)])
        try log.commit()
        let repeated = try log.stage([event(3), event(1), event(2, stream: "s-2")])
        #expect(repeated.isRepeat && repeated.first == 1 && repeated.last == 3)
        // The revision belongs to the event at the last position.
        #expect(repeated.lastRevision == 1)
        #expect(try log.stage([event(2, stream: "s-2"), event(1)]).last == 2)
    }
}
