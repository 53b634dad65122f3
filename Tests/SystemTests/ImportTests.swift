import Contracts
import EventSourcing
import EventStoreClient
import Foundation
import IntegrationHarness
import Observability
import TestSupport
import Testing
import WireProtocol

@Suite(.mayBlock, .serialized, .timeLimit(.minutes(10))) struct `Import of orders` {
    @Test func `Import places each line of each file once`() async throws {
        let suite = try Suite()
        try await suite.startAll()
        func count() async throws -> Int {
            try await suite.events(ofType: "OrderPlaced").count
        }
        let first = try suite.book("a.txt", ["1 19970101 1 11.77", "1 19970101 1 11.77"])
        #expect(try suite.run("orders", "import", first).status == 0)
        #expect(try await count() == 2)
        let second = try suite.book("b.txt", ["2 19970101 1 5.00", "3 19970101 1 5.00"])
        let run = try suite.run("orders", "import", second)
        #expect(run.status == 0 && run.output.contains("2 sagas ended: 2 confirmed"), "\(run)")
        #expect(try await count() == 4)
        // The same file again, and then with more lines at its beginning and its end.
        let again = try suite.run("orders", "import", first)
        #expect(again.output.contains("2 of them were placed by an earlier import"), "\(again)")
        #expect(try await count() == 4)
        _ = try suite.book(
            "a.txt",
            ["4 19970101 1 1.00", "1 19970101 1 11.77", "1 19970101 1 11.77", "1 19970101 1 11.77"])
        #expect(try suite.run("orders", "import", first).status == 0)
        #expect(try await count() == 6)
        // The same lines from another source are other orders.
        #expect(try suite.run("orders", "import", first, "--source", "c").status == 0)
        #expect(try await count() == 10)
        #expect(try suite.audit().status == 0)
    }

    @Test func `Import leaves the money and the limit that an earlier import gave a customer`()
        async throws
    {
        let suite = try Suite()
        try await suite.startAll()
        let (first, second) = (
            try suite.book("a.txt", ["1 19970101 1 11.77"]),
            try suite.book("b.txt", ["1 19970102 1 12.00"])
        )
        try suite.succeed("orders", "import", first, "--funds", "100.00", "--credit", "10.00")
        let output = try suite.succeed(
            "orders", "import", second, "--funds", "300.00", "--credit", "30.00")
        #expect(output.contains("1 sagas ended: 1 confirmed"), "\(output)")
        #expect(try await suite.events(ofType: "MoneyCredited").count == 1)
        #expect(try await suite.events(ofType: "CreditLimitSet").count == 1)
        #expect(try suite.audit().status == 0)
    }

    @Test func `Import lists invalid lines and imports the others only with --skip-invalid`()
        async throws
    {
        let suite = try Suite()
        try await suite.startAll()
        let book = try suite.book(
            "bad.txt",
            [
                "1 19970101 1 11.77", "2 19970101 1 -11.77", "-0005 19970101 1 1.00",
                "1 99991231 1 1.00",
            ])
        let refused = try suite.run("orders", "import", book)
        #expect(refused.status == 65 && refused.output.isEmpty, "\(refused)")
        for reason in [
            "line 3: the price -11.77 is negative", "line 4: the customer '-0005' is not a number",
            "line 5: the date 99991231 is in the future",
            "3 lines are invalid: nothing is imported",
        ] {
            #expect(refused.errors.contains(reason), "\(refused)")
        }
        #expect(try await suite.events(ofType: "AccountOpened").isEmpty)
        let skipped = try suite.run("orders", "import", book, "--skip-invalid")
        #expect(skipped.status == 65, "\(skipped)")
        #expect(skipped.errors.contains("line 3: the price"))
        #expect(skipped.output.contains("1 sagas ended: 1 confirmed"), "\(skipped)")
        #expect(skipped.output.contains("3 invalid lines were not imported"))
    }

    @Test func `Import recognises orders that an earlier version placed`() async throws {
        let suite = try Suite()
        try await suite.startAll()
        let lines = ["1 19970101 1 11.77", "2 19970102 1 12.00", "2 19970103 1 5.00"]
        let book = try suite.book("book.txt", lines)
        for customer in ["1", "2"] { try suite.customer(customer, funds: "9.00", credit: "90.00") }
        // The first two lines, as an earlier version placed them.
        let orders = try await suite.client(of: "orders")
        for (number, customer, price, day, hub) in [
            (1, "1", Int64(1177), "1997-01-01", "ORD"), (2, "2", 1200, "1997-01-02", "LAX"),
        ] {
            let now = Timestamp.now()
            let item = OrderItem(sku: "cds-1", quantity: 1, unitPrice: Money(price, usd))
            _ = try await orders.command(
                PlaceOrder.name,
                PlaceOrder(
                    order: "cdnow.\(number)", customer: customer, items: [item], destination: hub,
                    placedAt: try #require(Timestamp(day)), deadline: now + .seconds(600)))
        }
        await orders.close()
        let run = try suite.run("orders", "import", book, "--source", "cdnow")
        #expect(run.status == 0 && run.output.contains("2 of them were placed by"), "\(run)")
        #expect(try await suite.events(ofType: "OrderPlaced").count == 3)
        // Another file from the same source does not collide with them.
        let other = try suite.book("other.txt", ["2 19970105 2 6.00"])
        #expect(try suite.run("orders", "import", other, "--source", "cdnow").status == 0)
        #expect(try await suite.events(ofType: "OrderPlaced").count == 4)
    }

    @Test func `Import fails without progress and says what it waits for`() async throws {
        let suite = try Suite()
        try await suite.startAll()
        let book = try suite.book("w.txt", ["1 19970101 1 11.77", "2 19970101 1 11.77"])
        func stalled(_ expected: String) throws {
            let run = try suite.run("orders", "import", book, "--timeout", "3")
            #expect(run.status == 69 && run.output.isEmpty, "\(run)")
            #expect(run.errors.contains("waiting for: "), "\(run)")
            #expect(run.errors.contains("no progress for 3.0 s"), "\(run)")
            #expect(run.errors.contains(expected), "\(run)")
        }
        suite.kill("balance")
        try stalled("balance does not answer at ipc://")
        try suite.start("balance")
        _ = try await suite.status(of: "balance")
        #expect(try suite.run("event-store", "queues", "pause", "route").status == 0)
        try stalled("queue 'route' is paused and holds 2 events; resume it with: event-store")
        #expect(try suite.run("event-store", "queues", "delete", "route", "--yes").status == 0)
        try stalled("queue 'route' does not exist; create it with: event-store rules apply")
        suite.kill("event-store")
        try stalled("the event store does not answer at ipc://")
        try suite.start("event-store", ["--rules", Suite.rules])
        let applied = try suite.run("event-store", "rules", "apply", Suite.rules)
        #expect(applied.status == 0, "\(applied)")
        let run = try suite.run("orders", "import", book)
        #expect(run.status == 0 && run.output.contains("2 sagas ended: 2 confirmed"), "\(run)")
        #expect(try suite.audit().status == 0)
    }
}

extension Suite {
    /// Writes an order book, with a header above its lines.
    fileprivate func book(_ name: String, _ lines: [String]) throws -> String {
        let path = "\(home)/\(name)"
        let text = (["customer date items price"] + lines).joined(separator: "\n") + "\n"
        try Data(text.utf8).write(to: URL(filePath: path))
        return path
    }

    fileprivate func events(ofType type: String) async throws -> [RecordedEvent] {
        let store = try await eventStore()
        var events: [RecordedEvent] = []
        for try await event in store.read(ReadRequest(.init([.init(types: [type])]))).events {
            events.append(event)
        }
        await store.close()
        return events
    }
}
