import EventSourcing
import JSON
import Testing
import Trace
import WireProtocol

@Suite struct `Notes on amendments` {
    private let bad = Sample(position: 5, type: "Placed", stream: "order-1")

    private func amendment(
        _ type: AmendmentEventType, _ data: [UInt8], at position: UInt64
    ) -> Sample {
        Sample(
            position: position, type: type.rawValue, stream: "$amendment-\(Sample.id(5))", cause: 5,
            by: .init(actor: "bob"), data: data)
    }

    @Test(arguments: [
        (Amendment.skip, "skips", "skipped since its amendment: readers do not use it"),
        (.data(Array("{}".utf8)), "amends", "amended: readers get other data than was appended"),
    ])
    func `Amendment is under its event, and both have notes`(
        _ amendment: Amendment, _ verb: String, _ note: String
    ) throws {
        let event = try bad.event()
        let data = EventAmended(event, amendment, reason: "no hub", by: "bob")
        let record = try self.amendment(.eventAmended, try data.encoded(), at: 8).event()
        let tree = CausalTree([event.amended(by: amendment), record])
        #expect(tree.outline == ["5", ".8"])
        #expect(tree.nodes[0].notes == [note])
        #expect(tree.nodes[1].notes == ["\(verb) position 5 by bob: no hub"])
        #expect(tree.nodes[1].service == "event-store")
    }

    @Test func `End of an amendment says what it ends, and unreadable data is noted`() throws {
        let undone = AmendmentUndone(try bad.event(), reason: "it was right", by: "bob")
        let end = try amendment(.amendmentUndone, Sample.json(undone), at: 9).event()
        #expect(
            AmendmentNotes.note(on: end)
                == "undoes the amendment of position 5 by bob: it was right")
        let broken = try amendment(.eventAmended, Array("{}".utf8), at: 9).event()
        #expect(AmendmentNotes.note(on: broken) == "its data can't be read")
        #expect(AmendmentNotes.note(on: try bad.event()) == nil)
    }
}
