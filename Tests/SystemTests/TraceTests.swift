import Contracts
import EventSourcing
import EventStoreClient
import Foundation
import IntegrationHarness
import JSON
import TestSupport
import Testing
import WireProtocol

#if canImport(FoundationXML)
    import FoundationXML
#endif

@Suite(.mayBlock, .serialized, .timeLimit(.minutes(10))) struct `Traces of a suite` {
    /// The network is damaged while the order is placed, so its event becomes a dead letter.
    @Test func `Trace shows an order with its dead letter and redrive, by each of its ids`()
        async throws
    {
        let suite = try Suite()
        try await suite.startAll()
        let hubs = try await HubsFile(suite)
        try await suite.limit(
            "route", RetryPolicy(maximumReceives: 2, backoff: 0.01, maximumBackoff: 0.01))
        try suite.customer("nora", funds: "100.00", credit: "0.00")
        try hubs.damage()
        let placed = try suite.run(
            "orders", "place", "--id", "42", "--customer", "nora", "--item", "cd:1:10.00", "--to",
            "LHR", "--deadline", "600", "--actor", "nora@desk")
        #expect(placed.status == 0, "\(placed)")
        let (id, _) = try await suite.deadLetter(of: "42")
        try hubs.mend()
        let redrive = try suite.run(
            "event-store", "dlq", "redrive", "\(id)", "--actor", "olaf@desk")
        #expect(redrive.status == 0, "\(redrive)")
        // The last event of its conversation.
        let confirmed = try await suite.event(
            matching: EventQuery([.init(types: ["RouteConfirmed"], tags: [Tag.order("42")])]))
        #expect(try suite.run("orders", "cancel", "42", "--actor", "pia@desk").status == 0)
        _ = try await suite.event(
            matching: EventQuery([.init(types: ["RouteCancelled"], tags: [Tag.order("42")])]))

        let order = try suite.trace("--order", "42")
        for part in [
            "by nora@desk", "orders for nora@desk", "└─ DeadLetterRedriven", "after 2 receives",
            "put back into its queue by olaf@desk", "by pia@desk", "OrderCancelled  order-42",
        ] { #expect(order.contains(part), "\(part) is not in\n\(order)") }
        #expect(try suite.trace("--tag", Tag.order("42")) == order)
        #expect(order.split(separator: "\n").allSatisfy { $0.count <= 120 }, "\(order)")

        // The conversation of the order does not contain its cancellation.
        let conversation = try suite.trace("\(confirmed.correlationID)")
        #expect(order.hasPrefix(conversation.prefix(200)) && !conversation.contains("pia@desk"))
        let event = try suite.trace("\(confirmed.id)")
        #expect(event.replacing("  ◀", with: "") == conversation)
        #expect(event.contains("RouteConfirmed  route-42  ◀"))
        #expect(try suite.trace("\(confirmed.position)") == event)
        let past = try suite.trace("\(id)", "--position", "\(id)")
        #expect(past.contains("DeadLettered") && !past.contains("DeadLetterRedriven"))

        let nodes = try JSON.decode(
            [Node].self, from: suite.trace("--order", "42", "--json").utf8)
        let routed = try #require(nodes.first { $0.type == "RouteCreated.2" })
        #expect(routed.service == "route" && routed.redriven?.count == 1)
        #expect(routed.under == nodes[0].position && nodes[0].actor == "nora@desk")
        let mermaid = try suite.trace("--order", "42", "--format", "mermaid")
        #expect(mermaid.contains("e\(nodes[0].position) --> e\(routed.position)"))
        let picture = Data(try suite.trace("--order", "42", "--format", "svg").utf8)
        #expect(XMLParser(data: picture).parse())
        let read = try suite.run(
            "event-store", "read", "--correlation", "\(confirmed.correlationID)",
            "--type", "RouteConfirmed")
        #expect(read.output.hasPrefix("\(confirmed.position)\t"), "\(read)")
    }

    @Test func `Trace of an unknown order, event or tag fails with one line`() async throws {
        let suite = try Suite()
        try suite.start("event-store")
        _ = try await suite.eventStore()
        let none = "00000000-0000-0000-0000-00000000000a"
        for (arguments, part) in [
            (["none"], "no event concerns an order none; an event's id and a correlation id"),
            (["7"], "no event at position 7: it ends at 0; if 7 is an order, use --order 7"),
            ([none], "\(none) is neither an event's id nor a correlation id"),
            (["--tag", "a", "--tag", "b"], "no event carries a, b"),
        ] {
            let run = try suite.run(["event-store", "trace"] + arguments)
            #expect(run.status == 65 && run.output.isEmpty, "\(run)")
            #expect(run.errors.contains(part) && run.errors.split(separator: "\n").count == 1)
        }
        for arguments in [
            [], ["a", "--order", "b"], ["a", "--json", "--format", "svg"],
            ["a", "--format", "png"],
        ] {
            #expect(try suite.run(["event-store", "trace"] + arguments).status == 64)
        }
    }

    private struct Node: Decodable {
        let position: UInt64
        let under: UInt64?
        let type: String
        let service: String?
        let actor: String?
        let redriven: [UInt64]?
    }
}

extension Suite {
    fileprivate func trace(_ arguments: String...) throws -> String {
        let run = try run(["event-store", "trace"] + arguments)
        #expect(run.status == 0, "\(arguments): \(run.errors)")
        return run.output
    }
}
