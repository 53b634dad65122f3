import Contracts
import EventSourcing
import EventStoreClient
import Foundation
import IntegrationHarness
import JSON
import TestSupport
import Testing
import WireProtocol

@Suite(.mayBlock, .serialized, .timeLimit(.minutes(10))) struct `Dead letters of services` {
    /// The test damages the network file of the running route service and restores it.
    @Test func `Order is confirmed when its dead letter is redriven after the cause is fixed`()
        async throws
    {
        let suite = try Suite()
        try await suite.startAll()
        let hubs = try await HubsFile(suite)
        try await suite.limit(
            "route", RetryPolicy(maximumReceives: 3, backoff: 0.01, maximumBackoff: 0.01))
        try suite.customer("judy", funds: "1000.00", credit: "0.00")
        try await suite.place("good", of: "judy", price: 1000)
        #expect(try await suite.ended("good").status == .confirmed)

        try hubs.damage()
        try await suite.place("poor", of: "judy", price: 1000)
        let (id, letter) = try await suite.deadLetter(of: "poor")
        #expect(letter.cause == .maximumReceives && letter.receives == 3, "\(letter)")
        #expect(letter.error?.contains("line 1 of the network") == true, "\(letter)")
        let failure = try await suite.status(of: "route").participant?.lastFailure
        #expect(failure?.contains("OrderPlaced at position \(letter.position)") == true)
        let timeline = try suite.run("orders", "timeline", "poor").output
        #expect(
            timeline.contains("route could not handle OrderPlaced after 3 receives: line 1 of")
                && timeline.contains("(event-store dlq show \(id))"), "\(timeline)")
        var audit = try suite.audit()
        #expect(audit.status == 65, "\(audit)")
        #expect(audit.output.contains("queue route has dead letters (1)"), "\(audit)")

        // With the network restored, another order is confirmed while the dead letter waits.
        try hubs.mend()
        try await suite.place("other", of: "judy", price: 1000)
        #expect(try await suite.ended("other").status == .confirmed)
        try suite.redrive(id)
        #expect(try await suite.ended("poor").status == .confirmed)
        let after = try suite.run("orders", "timeline", "poor").output
        #expect(after.contains("put back into its queue by"), "\(after)")
        #expect(!after.contains("waiting in its dead-letter queue"), "\(after)")
        audit = try suite.audit()
        #expect(audit.status == 0, "\(audit)")
    }

    @Test func `Expired event becomes a dead letter, and its redrive confirms the order`()
        async throws
    {
        let suite = try Suite()
        try await suite.startAll()
        try suite.customer("kate", funds: "1000.00", credit: "0.00")
        // The credit is in the same group: it must be handled before it can expire.
        #expect(try suite.audit().status == 0)
        #expect(suite.terminate("creditLimit") == 0)
        try await suite.limit("creditLimit", RetryPolicy(maximumAge: 0.1))
        try await suite.place("aged", of: "kate", price: 1000)
        let (id, letter) = try await suite.deadLetter(of: "aged")
        #expect(letter.cause == .maximumAge && letter.receives == 0, "\(letter)")
        #expect(letter.type == "FundsReserved")
        let timeline = try suite.run("orders", "timeline", "aged").output
        #expect(timeline.contains("creditLimit did not handle FundsReserved in time"))
        try await suite.limit("creditLimit", RetryPolicy())
        try suite.start("creditLimit")
        try suite.redrive(id)
        #expect(try await suite.ended("aged").status == .confirmed)
        let audit = try suite.audit()
        #expect(audit.status == 0, "\(audit)")
    }

    @Test func `Event for a deleted queue becomes a dead letter that can be redriven`() async throws
    {
        let suite = try Suite()
        try await suite.startAll()
        try suite.customer("lara", funds: "1000.00", credit: "0.00")
        let deleted = try suite.run("event-store", "queues", "delete", "balance", "--yes")
        #expect(deleted.status == 0, "\(deleted)")
        try await suite.place("lost", of: "lara", price: 1000)
        let (id, letter) = try await suite.deadLetter(of: "lost")
        #expect(letter.cause == .targetNotFound && letter.queue == "balance", "\(letter)")
        let timeline = try suite.run("orders", "timeline", "lost").output
        #expect(timeline.contains("there was no queue 'balance' for RouteCreated.2"))
        let audit = try suite.audit()
        #expect(audit.status == 65 && audit.output.contains("queue 'balance' does not exist"))
        while !suite.log(of: "balance").contains("event-store queues create balance") {
            try await lookAgainSoon()
        }
        #expect(try await suite.status(of: "balance").participant?.state == .waiting)
        let created = try suite.run(
            "event-store", "queues", "create", "balance", "--grouping", "path:order")
        #expect(created.status == 0, "\(created)")
        try suite.redrive(id)
        #expect(try await suite.ended("lost").status == .confirmed)
        let repaired = try suite.audit()
        #expect(repaired.status == 0, "\(repaired)")
    }

    @Test func `Replay of the whole log makes no service append an event`() async throws {
        let suite = try Suite()
        try await suite.startAll()
        try suite.customer("mary", funds: "100.00", credit: "50.00")
        for (order, price) in [("paid", Int64(1000)), ("denied", 90_000), ("drawn", 9000)] {
            try await suite.place(order, of: "mary", price: price)
            _ = try await suite.ended(order)
        }
        #expect(try suite.run("orders", "cancel", "drawn").status == 0)
        #expect(try suite.audit().status == 0)
        let store = try await suite.eventStore()
        let head = try await store.welcome().head
        let bus = try await suite.client(of: "bus")
        let rules: [RuleView] = try await bus.query(BusCall.rules, Nothing())
        _ = try await bus.command(
            BusCall.startReplay, ReplayDefinition(name: "again", rules: rules.map(\.rule.name)))
        var replay: ReplayView?
        while replay?.state != .completed {
            replay = try await bus.query(BusCall.replays, Nothing(), as: [ReplayView].self).first
        }
        #expect(replay?.delivered ?? 0 > 20, "\(String(describing: replay))")
        #expect(try suite.audit().status == 0)
        var types: Swift.Set<String> = []
        for try await event in store.read(ReadRequest(from: head + 1)).events {
            types.insert(event.category)
        }
        #expect(types.allSatisfy { $0.hasPrefix("$") }, "a service reacted: \(types)")
        await bus.close()
        await store.close()
    }
}

extension Suite {
    /// Changes the retry policy of a queue.
    func limit(_ queue: String, _ retry: RetryPolicy) async throws {
        let bus = try await client(of: "bus")
        let views: [QueueView] = try await bus.query(BusCall.queues, Nothing())
        var definition = try #require(views.first { $0.queue.name == queue }).queue
        definition.retry = retry
        _ = try await bus.command(BusCall.putQueue, definition)
        await bus.close()
    }

    /// Waits for the first dead letter about the order.
    func deadLetter(of order: String) async throws -> (id: UInt64, DeadLetter) {
        let event = try await event(
            matching: EventQuery([
                .init(types: [BusEventType.deadLettered.rawValue], tags: [Tag.order(order)])
            ]))
        return (
            event.position, try JSON.decode(DeadLetter.self, from: event.data)
        )
    }

    fileprivate func redrive(_ id: UInt64) throws {
        let run = try run("event-store", "dlq", "redrive", "\(id)")
        #expect(run.status == 0, "\(run)")
    }
}
