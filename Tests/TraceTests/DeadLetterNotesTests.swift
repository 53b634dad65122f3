import EventSourcing
import Testing
import Trace
import WireProtocol

@Suite struct `Notes on dead letters` {
    @Test func `Dead letters and redrives are under their event, and retries are notes`() throws {
        let tree = try CausalTree(Sample.order)
        #expect(tree.outline == ["5", ".6", "..7", ".8", "..9", ".10", ".12"])
        let nodes = Dictionary(uniqueKeysWithValues: tree.nodes.map { ($0.event.position, $0) })
        let (letter, routed) = (try #require(nodes[6]), try #require(nodes[8]))
        #expect(letter.deadLetter?.receives == 3 && letter.deadLetter?.rule == "plan")
        #expect(letter.service == "event-store")
        #expect(nodes[7]?.notes == ["put back into its queue by bob"])
        #expect(routed.redriven == [7] && routed.deadLetter == nil)
        #expect(
            routed.notes == [
                "decided on after 3 receives that failed, and the redrive at position 7"
            ])
        // The effect of another consumer is not linked to the dead letter.
        #expect(nodes[9]?.redriven == [])
        #expect(nodes[9]?.attempt == 2 && routed.attempt == nil)
        #expect(nodes[9]?.notes == ["decided on at delivery 2 of its cause"])
        #expect(nodes[9]?.service == nil && nodes[9]?.actor == "shop")
    }

    @Test func `Note on a dead letter says how to show it or who discarded it`() throws {
        let waiting = try CausalTree(Array(Sample.order.prefix(2)))
        #expect(waiting.nodes[1].notes[0].hasSuffix("(event-store dlq show 6)"))
        var discard = Sample.order[2]
        discard.type = "DeadLetterDiscarded"
        discard.data = Sample.json(
            DeadLetterClosure(queue: "route", deadLetter: 6, position: 5, reason: "too late"))
        let discarded = try CausalTree(Array(Sample.order.prefix(2)) + [discard])
        #expect(discarded.nodes[2].notes == ["discarded by bob: too late"])
        #expect(!discarded.nodes[1].notes[0].contains("dlq show"))
    }
}
