import Contracts
import EventSourcing
import EventStoreClient
import Foundation
import IntegrationHarness
import TestSupport
import Testing
import WireProtocol

@Suite(.mayBlock, .serialized, .timeLimit(.minutes(10))) struct `Suite of services` {
    @Test func `Commands confirm, reject and cancel orders, and the audit finds nothing`()
        async throws
    {
        let suite = try Suite()
        try await suite.startAll()
        try suite.customer("alice", funds: "100.00", credit: "50.00")
        func place(_ id: String, _ item: String, _ hub: String) async throws -> OrderView {
            let run = try suite.run(
                "orders", "place", "--id", id, "--customer", "alice", "--item", item, "--to", hub)
            #expect(run.status == 0, "\(run.errors)")
            return try await suite.ended(id)
        }
        #expect(try await place("funds", "cd:1:20.00", "ATL").status == .confirmed)
        let drawn = try await place("drawn", "cd:1:90.00", "ATL")
        #expect(drawn.status == .confirmed && drawn.fromCredit ?? 0 > 0)
        #expect(try await place("denied", "cd:1:900.00", "ATL").reason == .creditDenied)
        #expect(try await place("lost", "cd:1:1.00", "XXX").reason == .routeRejected)
        let refused = try suite.run("withdraw", "alice", "1000.00")
        #expect(refused.status == 65 && refused.errors.contains("not 1000.00 USD"))
        #expect(try suite.run("orders", "cancel", "drawn").status == 0)
        let audit = try suite.audit()
        #expect(audit.status == 0, "\(audit.output) \(audit.errors)")
        let timeline = try suite.run("orders", "timeline", "drawn").output
        #expect(timeline.contains("PaymentRefunded") && timeline.contains("CreditRestored"))
        for service in Suite.services + ["event-store"] {
            #expect(suite.terminate(service) == 0, "\(service): \(suite.log(of: service))")
        }
    }

    @Test func `Order is confirmed whichever process is killed after any step of its saga`()
        async throws
    {
        let suite = try Suite()
        try await suite.startAll()
        try suite.customer("bob", funds: "10000.00", credit: "100.00")
        let steps = [
            "OrderPlaced", "RouteCreated.2", "FundsReserved", "CreditReserved", "OrderConfirmed",
            "PaymentCaptured",
        ]
        for step in steps {
            for victim in ["event-store", "orders", "route", "balance", "creditLimit"] {
                let order = "\(step).\(victim.filter(\.isLetter))"
                let store = try await suite.eventStore()
                let events = try await store.subscribe(
                    EventQuery([.init(types: [step], tags: [Tag.order(order)])]),
                    after: try await store.welcome().head)
                try await suite.place(order, of: "bob", price: 1000)
                while try await events.next().events.isEmpty {}
                suite.kill(victim)
                try suite.start(victim)
                #expect(try await suite.ended(order).status == .confirmed, "\(order)")
                await store.close()
            }
        }
        let audit = try suite.audit()
        #expect(audit.status == 0, "\(audit.output) \(audit.errors)")
    }

    @Test func `Concurrent withdrawals succeed only up to the account's funds`() async throws {
        let suite = try Suite()
        try await suite.startAll()
        try suite.customer("carol", funds: "100.00", credit: "0.00")
        let client = try await suite.client(of: "withdraw")
        let withdrawn = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    let command = WithdrawMoney(account: "carol", amount: Money(1000, usd))
                    return (try? await client.command(WithdrawMoney.name, command)) != nil
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(withdrawn == 10)
        await client.close()
        #expect(try suite.audit().status == 0)
    }

    @Test func `Command repeated under the same id is executed once`() async throws {
        let suite = try Suite()
        try await suite.startAll()
        try suite.customer("dave", funds: "10.00", credit: "0.00")
        let client = try await suite.client(of: "withdraw")
        let command = WithdrawMoney(account: "dave", amount: Money(1000, usd))
        let id = EventID.random()
        let first = try await client.command(WithdrawMoney.name, command, id: id)
        #expect(first.result == .appended)
        // The account is empty now, but this is the same withdrawal.
        let second = try await client.command(
            WithdrawMoney.name, command, id: id, mayBeRepeat: true)
        #expect(second.result == .repeated && second.position == first.position)
        let third = try await client.command(WithdrawMoney.name, command, id: id)
        #expect(third.result == .repeated)
        await client.close()
    }

    @Test func `Order is rejected and its funds are released when its deadline passes`()
        async throws
    {
        let suite = try Suite()
        try await suite.startAll()
        try suite.customer("erin", funds: "100.00", credit: "0.00")
        suite.signal("creditLimit", SIGSTOP)
        let run = try suite.run(
            "orders", "place", "--id", "late", "--customer", "erin", "--item", "cd:1:10.00", "--to",
            "LHR", "--deadline", "0.5")
        #expect(run.status == 0, "\(run.errors)")
        #expect(try await suite.ended("late").reason == .deadlinePassed)
        suite.signal("creditLimit", SIGCONT)
        let audit = try suite.audit()
        #expect(audit.status == 0, "\(audit.output) \(audit.errors)")
        let account = try suite.run("balance", "show", "erin", "--json").output
        #expect(account.contains(#""held":0"#) && account.contains(#""funds":10000"#), "\(account)")
    }

    @Test func `Stores rebuilt from the log give the same answers as before`() async throws {
        let suite = try Suite()
        try await suite.startAll()
        let book = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../examples/cdnow_master.txt").path
        let run = try suite.run("orders", "import", book, "--limit", "150")
        #expect(run.status == 0, "\(run.errors)")
        #expect(try suite.audit().status == 0)
        for (service, query) in [
            ("orders", "summary"), ("balance", "show"), ("creditLimit", "show"),
        ] {
            let before = try suite.run(service, query, "--json").output
            let rebuild = try suite.run(service, "rebuild")
            #expect(rebuild.status == 0, "\(rebuild.errors)")
            #expect(try suite.run(service, query, "--json").output == before)
            // The service also rebuilds from an empty folder.
            suite.terminate(service)
            try FileManager.default.removeItem(atPath: "\(suite.home)/\(service)")
            try suite.start(service)
            #expect(try suite.audit().status == 0)
            #expect(try suite.run(service, query, "--json").output == before)
        }
    }

    @Test func `Old store serves until a rebuild is done, even if the service stops meanwhile`()
        async throws
    {
        let suite = try Suite()
        try await suite.startAll()
        try suite.customer("frank", funds: "1000.00", credit: "0.00")
        for number in 1...5 { try await suite.place("order\(number)", of: "frank", price: 1000) }
        for number in 1...5 { _ = try await suite.ended("order\(number)") }
        let store = "\(suite.home)/orders/projection.sqlite"
        func rebuild(_ id: EventID) async throws -> RebuildStatus {
            let client = try await suite.client(of: "orders")
            let status: ProjectionStatus = try await client.query("rebuild", id)
            await client.close()
            return try #require(status.rebuild)
        }
        // While the event store is stopped, the log can't be read, so the rebuild keeps running.
        suite.signal("event-store", SIGSTOP)
        let first = EventID.random()
        #expect(try await rebuild(first).isRunning)
        let joined = try await rebuild(.random())
        #expect(joined.id == first && joined.isRunning)
        #expect(try suite.run("orders", "show", "order5").status == 0)
        // The client that started the rebuild has gone, but the rebuild continues.
        suite.signal("event-store", SIGCONT)
        var status = try await rebuild(first)
        while status.isRunning { status = try await rebuild(first) }
        #expect(status.id == first && status.state == .done && status.events >= 10)
        #expect(try await rebuild(first) == status)
        #expect(!FileManager.default.fileExists(atPath: store + ".rebuild"))

        let before = try suite.run("orders", "list", "frank", "--json").output
        #expect(before.contains("order5"))
        suite.signal("event-store", SIGSTOP)
        #expect(try await rebuild(.random()).isRunning)
        // A query for a position that never comes does not block the stop, either.
        let client = try await suite.client(of: "orders")
        let query = Task {
            try await client.query("summary", Nothing(), atLeast: 1 << 40, as: Nothing.self)
        }
        _ = try await client.query("rebuild", first) as ProjectionStatus
        #expect(suite.terminate("orders") == 0, "\(suite.log(of: "orders"))")
        query.cancel()
        await client.close()
        #expect(FileManager.default.fileExists(atPath: store))
        suite.signal("event-store", SIGCONT)
        try suite.start("orders")
        #expect(try suite.run("orders", "list", "frank", "--json").output == before)
        // The service resumes the stopped rebuild, and the command joins it.
        #expect(try suite.run("orders", "rebuild").status == 0)
        #expect(!FileManager.default.fileExists(atPath: store + ".rebuild"))
        #expect(try suite.run("orders", "list", "frank", "--json").output == before)
    }
}
