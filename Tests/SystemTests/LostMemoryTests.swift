import Contracts
import EventSourcing
import EventStoreClient
import Foundation
import IntegrationHarness
import Observability
import TestSupport
import Testing
import WireProtocol

@Suite(.mayBlock, .serialized, .timeLimit(.minutes(10)))
struct `Participants that lose their memory` {
    private static let participants = ["orders", "route", "balance", "creditLimit"]

    @Test func `Every open saga ends correctly after the participants lose their memory`()
        async throws
    {
        let suite = try Suite()
        try await suite.startAll()
        let store = try await suite.eventStore()
        let book = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../examples/cdnow_master.txt").path
        try suite.start("import", command: ["orders", "import", book, "--limit", "240"])
        let placed = try await store.subscribe(.types([OrderPlaced.type]))
        var seen = 0
        for round in 1...2 {
            for (index, service) in Self.participants.enumerated() {
                // Wait until more orders are open.
                while seen < 20 * (index + 1) + 100 * (round - 1) {
                    seen += try await placed.next().events.count
                }
                try suite.loseMemory(of: service)
            }
        }
        let ended = try await store.subscribe(.types([OrderConfirmed.type, OrderRejected.type]))
        var count = 0
        while count < 240 { count += try await ended.next().events.count }
        while suite.isRunning("import") { try await lookAgainSoon() }
        #expect(suite.terminate("import") == 0, "\(suite.log(of: "import"))")
        // After another loss, some of the confirmed orders are cancelled.
        for service in Self.participants { try suite.loseMemory(of: service) }
        for service in Self.participants { _ = try await suite.status(of: service) }
        let confirmed = ReadRequest(.types([OrderConfirmed.type]), limit: 5)
        for try await event in store.read(confirmed).events {
            let cancelled = try suite.run("orders", "cancel", event.stream.id)
            #expect(cancelled.status == 0, "\(cancelled)")
        }
        let audit = try suite.audit()
        #expect(audit.status == 0, "\(audit)")
        await store.close()
    }

    @Test func `Balance without its memory absorbs a route for an order that has ended`()
        async throws
    {
        let suite = try Suite()
        try await suite.startAll()
        try suite.customer("ann", funds: "100.00", credit: "0.00")
        try await suite.place("o", of: "ann", price: 1000)
        #expect(try await suite.ended("o").status == .confirmed)
        #expect(try suite.run("orders", "cancel", "o").status == 0)
        #expect(try suite.audit().status == 0)
        try suite.loseMemory(of: "balance")
        let route = try await suite.event(
            matching: EventQuery([.init(types: ["RouteCreated.2"], tags: [Tag.order("o")])]))
        let store = try await suite.eventStore()
        // A new id, so that a reaction would append an event.
        let late = try await store.append([
            NewEvent(
                stream: route.stream, type: route.type, tags: route.tags, data: Array(route.data))
        ])
        let audit = try suite.audit()
        #expect(audit.status == 0, "\(audit)")
        #expect(try await store.welcome().head == late.last, "balance has reacted")
        await store.close()
    }

    @Test func `Orders without its memory rejects an order whose deadline passes`() async throws {
        let suite = try Suite()
        try await suite.startAll()
        try suite.customer("ann", funds: "100.00", credit: "0.00")
        suite.signal("creditLimit", SIGSTOP)
        let run = try suite.run(
            "orders", "place", "--id", "late", "--customer", "ann", "--item", "cd:1:10.00", "--to",
            "LHR", "--deadline", "4")
        #expect(run.status == 0, "\(run)")
        try suite.loseMemory(of: "orders")
        #expect(try await suite.ended("late").reason == .deadlinePassed)
        suite.signal("creditLimit", SIGCONT)
        let audit = try suite.audit()
        #expect(audit.status == 0, "\(audit)")
    }

    /// Credit is reserved in time, but orders receives the event after the deadline.
    @Test func `Order is rejected if its deadline passes while orders is not running`() async throws
    {
        let suite = try Suite()
        try await suite.startAll()
        try suite.customer("ann", funds: "100.00", credit: "0.00")
        #expect(try suite.run("event-store", "queues", "pause", "orders").status == 0)
        // On a busy machine it may take long until credit is reserved.
        for seconds in [3, 30, 300] {
            let (order, deadline) = ("late\(seconds)", Timestamp.now() + .seconds(seconds))
            try await suite.place(order, deadline: deadline)
            let reserved = try await suite.event(
                matching: EventQuery([.init(types: ["CreditReserved"], tags: [Tag.order(order)])]))
            suite.kill("orders")
            while Timestamp.now() < deadline { try await lookAgainSoon() }
            #expect(try suite.run("event-store", "queues", "resume", "orders").status == 0)
            try suite.start("orders")
            #expect(try await suite.ended(order).reason == .deadlinePassed, "\(order)")
            guard reserved.time >= deadline else { break }
            #expect(try suite.run("event-store", "queues", "pause", "orders").status == 0)
        }
        let audit = try suite.audit()
        #expect(audit.status == 0, "\(audit)")
    }
}

extension Suite {
    fileprivate func place(_ order: String, deadline: Timestamp) async throws {
        let client = try await client(of: "orders")
        _ = try await client.command(
            PlaceOrder.name,
            PlaceOrder(
                order: order, customer: "ann",
                items: [OrderItem(sku: "cd", quantity: 1, unitPrice: Money(1000, usd))],
                destination: "LHR", placedAt: .now(), deadline: deadline))
        await client.close()
    }

    /// Kills the service, removes its participant's memory and starts it again.
    fileprivate func loseMemory(of service: String) throws {
        kill(service)
        for suffix in ["", "-wal", "-shm"] {
            let path = "\(home)/\(service)/participant.sqlite\(suffix)"
            if FileManager.default.fileExists(atPath: path) {
                try FileManager.default.removeItem(atPath: path)
            }
        }
        try start(service)
    }
}
