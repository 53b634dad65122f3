import Contracts
import EventSourcing
import Foundation
import Testing
import Trace
import WireProtocol

@Suite struct `Causal trees` {
    private typealias Node = CausalTree.Node

    @Test func `Tree has each event under its cause, in log order`() throws {
        let tree = try CausalTree([
            Sample(position: 1), Sample(position: 2, cause: 1), Sample(position: 3, cause: 1),
            Sample(position: 4, cause: 2), Sample(position: 5), Sample(position: 6, cause: 5),
            Sample(position: 7, cause: 1), Sample(position: 8, cause: 4),
        ])
        #expect(tree.outline == ["1", ".2", "..4", "...8", ".3", ".7", "5", ".6"])
        #expect(tree.nodes.map(\.parent) == [nil, 0, 1, 2, 0, 0, nil, 6])
        #expect(
            tree.nodes.map(\.isLast) == [false, false, true, true, false, true, true, true])
    }

    @Test func `Reversed event and its reversal name each other`() throws {
        let tree = try CausalTree(Sample.order)
        #expect(
            tree.nodes[0].reversedBy == 12 && tree.nodes[0].notes == ["reversed by position 12"])
        let reversal = try #require(tree.nodes.last)
        #expect(reversal.reverses == Sample.id(5))
        #expect(reversal.notes == ["reverses position 5"])
        #expect(reversal.service == "orders" && reversal.actor == "bob")
        // The sample has the tag that the contracts write.
        #expect(Sample.order.last?.tags == [Sample.id(5).reversalTag])
        let alone = try CausalTree([try #require(Sample.order.last)])
        #expect(alone.nodes[0].notes[0] == "reverses event \(Sample.id(5))")
        #expect(alone.nodes[0].service == nil)
    }

    @Test func `Event is a root if its cause is missing, itself or a later event`() throws {
        let tree = try CausalTree([
            Sample(position: 1, cause: 1), Sample(position: 2, cause: 3),
            Sample(position: 3, cause: 2), Sample(position: 4, cause: 99),
            Sample(position: 5, type: "DeadLetterRedriven", stream: "$deadletter-q", cause: 4),
            Sample(position: 6, by: nil),
        ])
        #expect(tree.outline == ["1", "2", ".3", "4", ".5", "6"])
        #expect(
            tree.nodes.map(\.notes) == [
                ["caused by event \(Sample.id(1)), which is not shown here"],
                ["caused by event \(Sample.id(3)), which is not shown here"], [],
                ["caused by event \(Sample.id(99)), which is not shown here"],
                ["its data can't be read"], [],
            ])
        #expect(tree.nodes.last?.actor == nil)
        #expect(try CausalTree([Sample]()).nodes.isEmpty)
        #expect(try CausalTree([Sample]()).lines() == [])
    }

    @Test func `Subtree has an event and all events below it`() throws {
        let tree = try CausalTree(Sample.order)
        let routed = try #require(tree.subtree(under: Sample.id(8)))
        #expect(routed.outline == ["8", ".9"])
        #expect(routed.nodes.map(\.parent) == [nil, 0] && routed.nodes.allSatisfy(\.isLast))
        #expect(routed.start == tree.nodes[3].event.time)
        let whole = try #require(tree.subtree(under: Sample.id(5)))
        #expect(whole.lines() == tree.lines())
        #expect(tree.subtree(under: Sample.id(12))?.outline == ["12"])
        #expect(tree.subtree(under: Sample.id(99)) == nil)
    }

    /// The first half of the events is a chain. The other half is under its last event.
    @Test func `Tree of 100000 events with a depth of 50000 is built`() throws {
        let half: UInt64 = 50_000
        let tree = try CausalTree(
            (1...2 * half).map { Sample(position: $0, cause: min($0 - 1, half), by: nil) })
        #expect(tree.nodes.map(\.event.position) == Array(1...2 * half))
        #expect(tree.nodes.suffix(Int(half)).allSatisfy { $0.depth == half })
        #expect(tree.subtree(under: Sample.id(half))?.nodes.count == Int(half) + 1)
    }

    @Test func `Tree with a depth of 5000 is printed in lines of at most 120 columns`() throws {
        let count: UInt64 = 5000
        let tree = try CausalTree(
            (1...count).map { Sample(position: $0, cause: $0 - 1, by: nil) })
        let lines = tree.lines()
        #expect(lines.count == Int(count) + 3)
        #expect(lines.allSatisfy { $0.count <= 120 })
        #expect(tree.mermaid().components(separatedBy: " --> ").count == Int(count))
        #expect(tree.svg().components(separatedBy: "<path").count == Int(count))
    }
}
