import Contracts
import EventSourcing
import EventStoreClient
import Foundation
import IntegrationHarness
import JSON
import Observability
import TestSupport
import Testing
import WireProtocol
import ZeroMQ

@Suite(.mayBlock, .serialized, .timeLimit(.minutes(10))) struct `Suite in operation` {
    @Test func `Second process on a folder exits with 69, and the first keeps serving`()
        async throws
    {
        let suite = try Suite()
        try await suite.startAll()
        let log = try await suite.status(of: "orders").log
        for service in Suite.services + ["event-store"] {
            let second = try suite.run([service, "serve"], timeout: 20)
            #expect(second.status == 69 && second.output.isEmpty, "\(service): \(second)")
            #expect(second.errors.split(separator: "\n").count == 1, "\(second.errors)")
        }
        // New connections still reach the first process.
        for service in Suite.services {
            #expect(try await suite.status(of: service).processID == suite.processID(of: service))
        }
        let store = try await suite.eventStore()
        #expect(try await store.welcome().log == log)
        await store.close()
        // A folder is free once its process is dead.
        suite.kill("orders")
        try suite.start("orders")
        #expect(try await suite.status(of: "orders").processID == suite.processID(of: "orders"))
    }

    @Test func `Service that is stopped while it starts exits with 0`() async throws {
        let suite = try Suite()
        // Without an event store, a service does not finish starting.
        for service in Suite.services {
            try suite.start(service)
            while !FileManager.default.fileExists(atPath: "\(suite.home)/\(service)/lock") {
                try await lookAgainSoon()
            }
            #expect(suite.terminate(service) == 0, "\(service): \(suite.log(of: service))")
        }
    }

    @Test func `Services can start before the event store`() async throws {
        let suite = try Suite()
        for service in Suite.services.reversed() { try suite.start(service) }
        let early = try suite.run("orders", "status", "--timeout", "0.2")
        #expect(early.status == 69, "\(early)")
        try suite.start("event-store", ["--rules", Suite.rules])
        try suite.customer("early", funds: "100.00", credit: "0.00")
        try await suite.place("bird", of: "early", price: 1000)
        #expect(try await suite.ended("bird").status == .confirmed)
        let audit = try suite.audit()
        #expect(audit.status == 0, "\(audit)")
    }

    @Test func `Event store and services do not start if their files are ahead of the log`()
        async throws
    {
        let suite = try Suite()
        let files = FileManager.default
        let (log, kept) = (suite.home + "/log", suite.home + "/log.kept")
        try suite.start("event-store")
        try suite.start("balance")
        #expect(try suite.run("balance", "open", "ada").status == 0)
        #expect(suite.terminate("event-store") == 0)
        try files.copyItem(atPath: log, toPath: kept)
        try suite.start("event-store")
        #expect(try suite.run("balance", "open", "ben").status == 0)
        while try await suite.status(of: "balance").projection?.checkpoint != 2 {
            try await lookAgainSoon()
        }
        let client = try await suite.eventStore()
        let bus = try await ServiceClient(
            endpoint: try await client.busEndpoint(timeout: .seconds(120)), of: "event-store",
            timeout: .seconds(120), actor: "test")
        _ = try await bus.query(BusCall.queues, Nothing(), atLeast: 2, as: [QueueView].self)
        await bus.close()
        await client.close()
        #expect(suite.terminate("event-store") == 0)
        try files.removeItem(atPath: log)
        try files.moveItem(atPath: kept, toPath: log)
        // The bus's journal is ahead of the log, too.
        let store = try suite.run("event-store", "serve")
        #expect(store.status == 65, "\(store)")
        #expect(store.errors.contains("has routed 2 events, but the log has only 1"), "\(store)")
        for lost in ["/bus", "/journal"] { try files.removeItem(atPath: suite.home + lost) }
        try suite.start("event-store")
        // The running service is not healthy. A service that starts now does not serve.
        let health = try suite.run("balance", "health")
        #expect(health.status == 69, "\(health)")
        let fault = "the projection is at 2, but the log has lost its end: it has only 1"
        #expect(health.errors == "balance: \(fault)\n")
        #expect(suite.terminate("balance") == 0)
        let refused = try suite.run("balance", "serve")
        #expect(refused.status == 65, "\(refused)")
        #expect(refused.errors.contains("\(fault); remove what is in \(suite.home)/balance"))
    }

    @Test func `Service exits when another log replaces the one that it follows`() async throws {
        let suite = try Suite()
        try suite.start("event-store")
        try suite.start("balance")
        let log = try await suite.status(of: "balance").log
        suite.kill("event-store")
        for lost in ["log", "bus", "journal"] {
            try FileManager.default.removeItem(atPath: "\(suite.home)/\(lost)")
        }
        try suite.start("event-store")
        while suite.isRunning("balance") { try await lookAgainSoon() }
        let reason = "not log \(log), which was followed until now\n"
        #expect(suite.log(of: "balance").hasSuffix(reason), "\(suite.log(of: "balance"))")
    }

    @Test func `Processes stopped under load exit with 0, and every order is confirmed`()
        async throws
    {
        let suite = try Suite()
        try await suite.startAll()
        try suite.customer("frank", funds: "100000.00", credit: "100.00")
        let client = try await suite.client(of: "orders")
        let orders = (0..<120).map { "load\($0)" }
        let all = ["event-store"] + Suite.services
        try await withThrowingTaskGroup(of: Void.self) { group in
            for order in orders {
                group.addTask {
                    let now = Timestamp.now()
                    let command = PlaceOrder(
                        order: order, customer: "frank",
                        items: [OrderItem(sku: "cd", quantity: 1, unitPrice: Money(100, usd))],
                        destination: "LHR", placedAt: now, deadline: now + .seconds(3600))
                    let id = EventID.random()
                    while true {
                        do {
                            _ = try await client.command(
                                PlaceOrder.name, command, id: id, mayBeRepeat: true)
                            return
                        } catch let error as ProtocolError where error.code == .unavailable {
                            // The process is stopping: retry the command under the same id.
                        }
                    }
                }
            }
            // Stop only once sagas are in progress.
            _ = try await suite.ended(orders[0])
            for name in all { suite.signal(name, SIGTERM) }
            for name in all {
                #expect(suite.terminate(name) == 0, "\(name): \(suite.log(of: name))")
            }
            for name in all { try suite.start(name) }
            try await group.waitForAll()
        }
        await client.close()
        for order in orders {
            #expect(try await suite.ended(order).status == .confirmed, "\(order)")
        }
        let audit = try suite.audit()
        #expect(audit.status == 0, "\(audit)")
    }

    @Test func `Service stops while a query waits for a position that never comes`() async throws {
        let suite = try Suite()
        try await suite.startAll()
        let loop = SocketLoop(name: "waiting")
        let asker = try await Stranger(.dealer, to: "ipc://\(suite.home)/balance.sock", on: loop)
        let query = try JSON.data(
            QueryRequest(atLeast: UInt64(Int64.max), query: Nothing()))
        for (id, call) in [(UInt64(1), "accounts"), (2, "status")] {
            try await asker.send([
                MessageHeader(.call, requestID: id).bytes, Array(call.utf8), Array(query),
            ])
        }
        // The second call is answered, so the first one is waiting.
        let answer = try await asker.receive()
        #expect(try answer?.first.map { try MessageHeader($0.span).requestID } == 2)
        #expect(suite.terminate("balance") == 0, "\(suite.log(of: "balance"))")
    }

    @Test func `Each withdrawal and credit happens once although the services are killed`()
        async throws
    {
        let suite = try Suite()
        try await suite.startAll()
        try suite.customer("grace", funds: "1000.00", credit: "0.00")
        let commands: [(service: String, name: String)] = [
            ("withdraw", WithdrawMoney.name), ("credit", CreditMoney.name),
        ]
        for (service, name) in commands {
            let client = try await suite.client(of: service)
            let store = try await suite.eventStore()
            let events = try await store.subscribe(
                EventQuery([.init(tags: [Tag.account("grace")])]),
                after: try await store.welcome().head)
            // The two commands have the same fields.
            let command = WithdrawMoney(account: "grace", amount: Money(100, usd))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<40 {
                    group.addTask { _ = try await client.command(name, command) }
                }
                while try await events.next().events.isEmpty {}
                suite.kill(service)
                try suite.start(service)
                try await group.waitForAll()
            }
            await client.close()
            await store.close()
        }
        // The 40 withdrawals and the 40 credits happened once each, so the funds are unchanged.
        let account = try suite.run("balance", "show", "grace", "--json").output
        #expect(account.contains(#""funds":100000"#), "\(account)")
        let audit = try suite.audit()
        #expect(audit.status == 0 && audit.output.contains("1040.00  40.00"), "\(audit)")
    }
}
