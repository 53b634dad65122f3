import Contracts
import EventSourcing
import EventStoreClient
import Foundation
import IntegrationHarness
import JSON
import TestSupport
import Testing
import WireProtocol

/// One event that can't be read stops one entity, in every service that shows it.
@Suite(.mayBlock, .timeLimit(.minutes(10))) struct `Stopped entities in the suite` {
    /// A suite with accounts `p1` and `p2`.
    private func accounts() async throws -> Suite {
        let suite = try Suite()
        try await suite.startAll()
        try suite.customer("p1", funds: "10.00", credit: "5.00")
        try suite.customer("p2", funds: "20.00", credit: "5.00")
        return suite
    }

    /// Appends an event that no service would append, and waits until the services have seen it.
    private func append(
        _ type: String, _ data: String, to stream: String, of suite: Suite
    ) async throws -> RecordedEvent {
        let store = try await suite.eventStore()
        let event = NewEvent(stream: try StreamName(stream), type: type, data: Array(data.utf8))
        _ = try await store.append([event])
        let record = try #require(try await store.event(id: event.id))
        await store.close()
        for service in Suite.services { try await suite.caughtUp(service) }
        return record
    }

    @Test(arguments: [
        ("MoneyBurnt", "{}"), ("MoneyCredited", "{}"), ("MoneyWithdrawn", #"{"account":7}"#),
    ])
    func `Unreadable event stops its account, and the other one answers`(
        _ type: String, _ data: String
    ) async throws {
        let suite = try await accounts()
        let event = try await append(type, data, to: "account-p1", of: suite)
        let named = "event-store amend \(event.id)"
        for arguments in [
            ["balance", "show", "p1"], ["balance", "statement", "p1"], ["credit", "p1", "1.00"],
            ["withdraw", "p1", "1.00"],
        ] {
            let run = try suite.run(arguments)
            #expect(run.status == 65 && run.errors.contains(named), "\(arguments): \(run)")
            #expect(run.errors.split(separator: "\n").count == 1, "\(run.errors)")
        }
        #expect(try suite.succeed("balance", "show", "p2").contains("20.00"))
        try suite.succeed("credit", "p2", "1.00")
        try suite.succeed("withdraw", "p2", "2.00")
        try await suite.caughtUp("balance")

        let list = try suite.succeed("balance", "show")
        #expect(list.contains("19.00") && list.contains("\(type) at position"), "\(list)")
        let views = try JSON.decode(
            [Row].self, from: suite.succeed("balance", "show", "--json").utf8)
        #expect(views.map(\.id) == ["p1", "p2"])
        #expect(views[0].stopped?.id == event.id && views[0].funds == nil)
        #expect(views[1].stopped == nil && views[1].funds == 1_900)

        try await checkReports(of: suite, event)
        // A restart changes nothing.
        #expect(suite.terminate("balance") == 0)
        try suite.start("balance")
        try await suite.caughtUp("balance")
        #expect(try suite.run("balance", "show", "p1").status == 65)
        #expect(try suite.succeed("balance", "show", "p2").contains("19.00"))
    }

    private struct Row: Decodable {
        var id: String
        var funds: Int64?
        var stopped: UnreadableEvent?
    }

    /// Checks status, health, metrics, `rebuild` and `audit`.
    private func checkReports(of suite: Suite, _ event: RecordedEvent) async throws {
        let degraded = try #require(try await suite.status(of: "balance").projection?.degraded)
        #expect(degraded.stoppedEntities == 1 && degraded.first.map(\.id) == [event.id])
        let status = try suite.succeed("balance", "status")
        #expect(status.contains("degraded") && status.contains("\(event.id)"), "\(status)")
        while try suite.get("/ready", of: "balance").status != "HTTP/1.1 200 OK" {
            try await lookAgainSoon()
        }
        let health = try suite.succeed("balance", "health")
        #expect(health.contains("but degraded: entities stopped: 1"), "\(health)")
        let ready = try suite.get("/ready", of: "balance")
        #expect(ready.status == "HTTP/1.1 200 OK")
        #expect(ready.body.hasPrefix("ready, but degraded: entities stopped: 1"), "\(ready)")
        #expect(try suite.get("/live", of: "balance").status == "HTTP/1.1 200 OK")
        let metrics = try suite.scrape("balance")
        #expect(metrics["daybook_projection_stopped_entities"] == 1)
        #expect(metrics["daybook_projection_unreadable_events"] == 1)
        let rebuild = try suite.run("balance", "rebuild")
        #expect(rebuild.status == 65 && rebuild.output.hasPrefix("rebuilt up to"), "\(rebuild)")
        #expect(rebuild.errors.contains("\(event.id)"), "\(rebuild)")
        #expect(try suite.succeed("orders", "health").hasPrefix("healthy, at"))
        let audit = try suite.run("audit", "--compare")
        #expect(audit.status == 65, "\(audit)")
        let found = audit.output.split(separator: "\n").filter { $0.hasPrefix("VIOLATED") }
        #expect(found.contains { $0.contains("unreadable at position \(event.position)") })
        #expect(!found.contains { $0.contains("difference") }, "\(audit.output)")
    }

    @Test func `Account continues once the event is amended, as if it had not happened`()
        async throws
    {
        let suite = try await accounts()
        let event = try await append("MoneyCredited", "{}", to: "account-p1", of: suite)
        #expect(try suite.run("balance", "show", "p1").status == 65)
        try suite.succeed("event-store", "amend", "\(event.id)", "--reason", "a test")
        for service in Suite.services { try await suite.caughtUp(service) }
        #expect(try suite.succeed("balance", "show", "p1").contains("10.00"))
        try suite.succeed("withdraw", "p1", "4.00")
        try suite.succeed("balance", "show", "p1", "--position", "\(event.position)")
        try await suite.caughtUp("balance")
        #expect(try suite.succeed("balance", "show", "p1").contains("6.00"))
        for service in Suite.services {
            #expect(try await suite.status(of: service).projection?.degraded == nil, "\(service)")
        }
        try suite.succeed("balance", "rebuild")
    }

    @Test func `Event in the stream of another account moves no money`() async throws {
        let suite = try await accounts()
        let credit = """
            {"account":"p1","amount":{"amount":700,"currency":"USD"},\
            "repaid":{"amount":0,"currency":"USD"},"reference":""}
            """
        let event = try await append("MoneyCredited", credit, to: "account-zzz", of: suite)
        #expect(try suite.succeed("balance", "show", "p1").contains("10.00"))
        #expect(try suite.run("withdraw", "p1", "11.00").status == 65)
        try suite.succeed("withdraw", "p1", "10.00")
        let stopped = try suite.run("balance", "show", "zzz")
        #expect(stopped.status == 65 && stopped.errors.contains("\(event.id)"), "\(stopped)")
        #expect(stopped.errors.contains("its data belongs to stream account-p1"), "\(stopped)")
        let audit = try suite.run("audit", "--compare")
        #expect(audit.output.contains("VIOLATED misplaced at position \(event.position)"))
        #expect(!audit.output.contains("VIOLATED difference"), "\(audit)")
    }

    @Test func `Answers say that they may lack an event which names no entity`() async throws {
        let suite = try await accounts()
        try suite.customer("p3", funds: "1000.00", credit: "0.00")
        try await suite.place("o1", of: "p3", price: 100)
        #expect(try await suite.ended("o1").status == .confirmed)
        // The orders' read model has account events, too, and this one names no order.
        let event = try await append("MoneyBurnt", "{}", to: "account-p1", of: suite)
        let degraded = "orders: degraded: the answer may lack events"
        for arguments in [
            ["orders", "show", "o1"], ["orders", "list", "p3", "--json"], ["orders", "summary"],
            ["orders", "show", "o1", "--position", "\(event.position)"],
        ] {
            let run = try suite.run(arguments)
            #expect(run.status == 0 && run.errors.hasPrefix(degraded), "\(arguments): \(run)")
            #expect(run.output.contains("confirmed"), "\(run)")
        }
        for arguments in [
            ["orders", "show", "o1", "--position", "\(event.position - 1)"],
            ["route", "show", "o1"], ["balance", "show", "p2"],
        ] {
            let run = try suite.run(arguments)
            #expect(run.status == 0 && run.errors.isEmpty, "\(arguments): \(run)")
        }
        // Since it is skipped, only the answers about its account mention it.
        try suite.succeed("event-store", "amend", "\(event.id)", "--reason", "a test")
        for service in Suite.services { try await suite.caughtUp(service) }
        #expect(try suite.run("orders", "show", "o1").errors.isEmpty)
        let shown = try suite.run("balance", "show", "p1")
        #expect(shown.errors.contains("amended events behind this answer: 1"), "\(shown)")
        #expect(try suite.run("balance", "show", "p2").errors.isEmpty)
        #expect(try suite.succeed("balance", "status").contains("amended events"))
    }

    @Test func `Unreadable event of an order stops that order, and totals count it`() async throws {
        let suite = try await accounts()
        try suite.customer("p3", funds: "1000.00", credit: "0.00")
        for order in ["known", "other"] {
            try await suite.place(order, of: "p3", price: 100)
            #expect(try await suite.ended(order).status == .confirmed)
        }
        let event = try await append("OrderPlaced.9", "{}", to: "order-known", of: suite)
        for arguments in [["orders", "show", "known"], ["orders", "cancel", "known"]] {
            let run = try suite.run(arguments)
            #expect(run.status == 65 && run.errors.contains("\(event.id)"), "\(arguments): \(run)")
            #expect(run.errors.contains("does not know this type"), "\(run)")
        }
        try suite.succeed("orders", "show", "other")
        let list = try suite.succeed("orders", "list", "p3")
        #expect(list.contains("OrderPlaced.9 at position \(event.position)"), "\(list)")
        #expect(list.contains("confirmed"), "\(list)")
        let summary: [String: Int] = try JSON.decode(
            from: suite.succeed("orders", "summary", "--json").utf8)
        #expect(summary == ["confirmed": 1, "stopped": 1])
        // The route of the order is an entity of its own.
        try suite.succeed("route", "show", "known")
        try await suite.place("third", of: "p3", price: 100)
        #expect(try await suite.ended("third").status == .confirmed)
    }
}
