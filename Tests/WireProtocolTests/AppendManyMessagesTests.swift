import EventSourcing
import Testing
import WireProtocol

@Suite struct `Batches of appends` {
    @Test func `Batch of appends and its outcomes decode only if they are complete`() throws {
        let parts = [
            AppendPart(condition: [], records: [1, 2, 3]),
            AppendPart(condition: try Sample.condition.encoded(), records: [4]),
        ]
        let frame = AppendPart.frame(parts)
        let read = try AppendPart.read(frame.span).map {
            AppendPart(condition: $0.condition, records: Array(frame[$0.records]))
        }
        #expect(read == parts)
        let outcomes: [Result<Appended, ProtocolError>] = [
            .success(
                Appended(
                    first: 1, last: 2, lastRevision: 3, time: Timestamp(microseconds: 4),
                    isRepeat: true)),
            .failure(ProtocolError(.wrongRevision, detail: 4, "stream a-1 is at revision 3")),
        ]
        var answer: [UInt8] = []
        for outcome in outcomes { AppendOutcomes.add(outcome, to: &answer) }
        #expect(try AppendOutcomes.read(answer.span) == outcomes)
        for count in 1..<frame.count where count != 11 {
            let cut = Array(frame.prefix(count))
            #expect(throws: ProtocolError.self) { try AppendPart.read(cut.span) }
        }
        for count in 1..<answer.count where count != 45 {
            let cut = Array(answer.prefix(count))
            #expect(throws: ProtocolError.self) { try AppendOutcomes.read(cut.span) }
        }
    }
}
