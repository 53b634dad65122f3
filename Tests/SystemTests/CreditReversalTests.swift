import Contracts
import EventSourcing
import EventStoreClient
import Foundation
import GRDB
import IntegrationHarness
import ServiceRuntime
import TestSupport
import Testing
import WireProtocol

/// Reversals of credits whose money has repaid a debt, and dry runs while sagas are under way.
@Suite(.mayBlock, .serialized, .timeLimit(.minutes(10))) struct `Reversals of credits` {
    @Test func `Credit that repaid a debt is reversed although creditLimit is killed meanwhile`()
        async throws
    {
        let suite = try Suite()
        try await suite.startAll()
        let (debt, credit) = try await suite.repaidDebt(of: "mia", credit: "100.00")
        suite.kill("creditLimit")
        let reverse = ["credit", "reverse", "\(credit)", "--reason", "bounced"]
        let late = try suite.run(reverse + ["--timeout", "2"])
        #expect(late.status == 69 && late.errors.contains("is requested (position"), "\(late)")
        let parts = late.errors.components(separatedBy: "Repeat it safely with: ")
        let repetition = try #require(parts.last).trimmingCharacters(in: .newlines)
            .replacing("--timeout 2", with: "--wait --timeout 120")
        let again = try suite.run(reverse)
        #expect(again.status == 65 && again.errors.contains("under way"), "\(again)")
        let waiting = try await suite.account("mia")
        #expect(waiting.owed == 0 && waiting.held == waiting.funds && waiting.held == 5000 - debt)
        let running = try suite.run("audit")
        #expect(running.status == 65, "\(running)")
        #expect(running.output.contains("so ReversalCreditDrawn or ReversalCreditDenied is"))

        try suite.start("creditLimit")
        let completed = try await suite.reversalEvent("CreditReversalCompleted")
        #expect(completed.tags.contains { $0.hasPrefix("reverses:") })
        // The repeated command has no further effect, and gets the end of the same reversal.
        let repeated = try suite.shell(repetition)
        #expect(repeated.status == 0 && repeated.output.contains(" already ("), "\(repeated)")
        #expect(repeated.output.contains("CreditReversalCompleted"), "\(repeated)")
        let audit = try suite.audit()
        #expect(audit.status == 0, "\(audit)")
        let account = try await suite.account("mia")
        #expect((account.funds, account.held, account.owed) == (0, 0, debt))
        #expect(try await suite.limit("mia").used == debt)
        let statement = try suite.run("balance", "statement", "mia").output
        #expect(statement.contains("reversed") && statement.contains("reversal: bounced"))
        let third = try suite.run(reverse)
        #expect(third.status == 65 && third.errors.contains("reversed already"), "\(third)")

        // The payment arrived after all.
        let back = try suite.run(
            "balance", "reverse", "\(completed.position)", "--reason", "it was paid")
        #expect(back.status == 0, "\(back)")
        let settled = try suite.audit()
        #expect(settled.status == 0, "\(settled)")
        #expect(try await suite.limit("mia").used == 0)
    }

    @Test func `Rejected reversal names the limit with which it succeeds`() async throws {
        let suite = try Suite()
        try await suite.startAll()
        let (debt, credit) = try await suite.repaidDebt(of: "noa", credit: "100.00")
        try suite.succeed("creditLimit", "set", "noa", "0.01")
        let reverse = ["credit", "reverse", "\(credit)", "--reason", "bounced"]
        let dry = try suite.run(reverse + ["--dry-run"])
        #expect(dry.status == 65 && dry.output.contains("CreditReversalRejected"), "\(dry)")
        let identified = reverse + ["--command-id", "\(EventID.random())"]
        let rejected = try suite.run(identified)
        #expect(rejected.status == 65 && rejected.errors.contains("would be owed"), "\(rejected)")
        let account = try await suite.account("noa")
        #expect((account.funds, account.held, account.owed) == (5000 - debt, 0, 0))

        let command = try #require(rejected.errors.split(separator: "first: ").last)
        let line = command.trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(line.hasPrefix("creditLimit set noa "), "\(rejected)")
        #expect(try suite.shell(line).status == 0)
        let preview = try suite.run(reverse + ["--dry-run"])
        for event in ["CreditReversalRequested", "ReversalCreditDrawn", "CreditReversalCompleted"] {
            #expect(preview.status == 0 && preview.output.contains(event), "\(preview)")
        }
        // The same command again: it was rejected, so it is decided again.
        let reversed = try suite.run(identified)
        #expect(reversed.status == 0 && !reversed.output.contains("already"), "\(reversed)")
        #expect(reversed.output.contains("CreditReversalCompleted"), "\(reversed)")
        let repeated = try suite.run(identified)
        #expect(repeated.status == 0 && repeated.output.contains("already"), "\(repeated)")
        #expect(try await suite.limit("noa").available == 0)
        let audit = try suite.audit()
        #expect(audit.status == 0, "\(audit)")
    }

    @Test func `Dry run shows no figures while events are in flight, and --wait waits for them`()
        async throws
    {
        let suite = try Suite()
        try await suite.startAll()
        try suite.customer("ida", funds: "10.00", credit: "500.00")
        try suite.succeed("event-store", "queues", "pause", "creditLimit")
        try await suite.place("slow", of: "ida", price: 3000)
        _ = try await suite.reversalEvent("FundsReserved")
        let placed = try await suite.reversalEvent("OrderPlaced").position
        let reverse = ["orders", "reverse", "\(placed)", "--reason", "fraud"]
        let dry = try suite.run(reverse + ["--dry-run"])
        #expect(dry.status == 0 && dry.output.contains("events are in flight"), "\(dry)")
        #expect(!dry.output.contains("would show"), "\(dry)")
        let line = dry.output.split(separator: "\n").last ?? ""
        #expect(line.contains("FundsReserved") && line.hasSuffix("creditLimit"), "\(dry)")
        let json = try suite.run(reverse + ["--dry-run", "--json"]).output
        #expect(json.contains(#""changes":{}"#) && json.contains(#""inFlight":[{"#), "\(json)")
        let late = try suite.run(reverse + ["--dry-run", "--wait", "--timeout", "1"])
        #expect(late.status == 69 && late.errors.contains("not handled FundsReserved"), "\(late)")

        try suite.start("waiting", command: reverse + ["--wait", "--timeout", "120"])
        try suite.succeed("event-store", "queues", "resume", "creditLimit")
        #expect(suite.waitForExit(of: "waiting") == 0, "\(suite.log(of: "waiting"))")
        // The audit waits for the services.
        let audit = try suite.audit()
        #expect(audit.status == 0, "\(audit)")
        // It was reversed only after its saga had ended.
        let end = try await suite.ended("slow")
        #expect(end.status == .cancelled, "\(end)")
    }

    @Test func `Reversal with --wait lets a saga end that has gone on to other streams`()
        async throws
    {
        let suite = try Suite()
        try await suite.startAll()
        try suite.customer("ida", funds: "10.00", credit: "0.00")
        for queue in ["route", "orders"] {
            try suite.succeed("event-store", "queues", "pause", queue)
        }
        try await suite.place("dear", of: "ida", price: 3000)
        let placed = try await suite.reversalEvent("OrderPlaced").position
        let reverse = ["orders", "reverse", "\(placed)", "--reason", "fraud", "--timeout", "120"]
        try suite.start("waiting", command: reverse + ["--wait"])
        try suite.succeed("event-store", "queues", "resume", "route")
        _ = try await suite.reversalEvent("CreditDenied")
        let dry = try suite.run(reverse + ["--dry-run"])
        let line = dry.output.split(separator: "\n").last ?? ""
        #expect(line.contains("CreditDenied") && line.hasSuffix("orders"), "\(dry)")
        try suite.succeed("event-store", "queues", "resume", "orders")
        #expect(suite.waitForExit(of: "waiting") == 65, "\(suite.log(of: "waiting"))")
        #expect(try await suite.ended("dear").reason == .creditDenied)
    }

    @Test func `Order in a currency without shipping prices is rejected`() async throws {
        let suite = try Suite()
        try await suite.startAll()
        let refused = try suite.run("route", "plan", "NRT", "--currency", "JPY")
        #expect(refused.status == 65 && refused.errors.contains("prices in JPY"), "\(refused)")
        try suite.succeed("balance", "open", "yui", "--currency", "JPY")
        try suite.succeed("credit", "yui", "100000", "--currency", "JPY")
        let place = ["orders", "place", "--customer", "yui", "--item", "cd:1:1500", "--to", "NRT"]
        let yen = ["--currency", "JPY", "--id"]
        try suite.succeed(place + yen + ["early"])
        #expect(try await suite.ended("early").reason == .routeRejected)
        #expect(
            try suite.run("route", "show", "early", "--json").output.contains("currencyNotServed"))

        let file = "\(suite.home)/tariff.csv"
        try Data("currency,handling,road,feeder,trunk\nJPY,75,9,21,13\n".utf8)
            .write(to: URL(filePath: file))
        suite.terminate("route")
        try suite.start("route", ["--tariff", file])
        try suite.succeed("route", "plan", "NRT", "--currency", "JPY", "--tariff", file)
        try suite.succeed(place + yen + ["late"])
        #expect(try await suite.ended("late").status == .confirmed)
        let audit = try suite.audit()
        #expect(audit.status == 0, "\(audit)")
    }

    @Test func `Audit finds a changed field of any read model, and a rebuild mends it`()
        async throws
    {
        let suite = try Suite()
        try await suite.startAll()
        try suite.customer("eva", funds: "50.00", credit: "0.00")
        try await suite.place("one", of: "eva", price: 1000)
        #expect(try await suite.ended("one").status == .confirmed)
        #expect(try suite.audit().status == 0)
        for (service, sql, expected) in [
            (
                "balance", "UPDATE statement SET reference = 'forged' WHERE kind = 'credited'",
                "statement"
            ), ("route", "UPDATE route SET destination = 'ATL'", "destination"),
            ("credit", "UPDATE credit SET amount = amount + 1", "amount"),
        ] {
            #expect(suite.terminate(service) == 0)
            let path = "\(suite.home)/\(service)/projection.sqlite"
            let database = try DatabaseQueue(path: path)
            try await database.write { try $0.execute(sql: sql) }
            try database.close()
            try suite.start(service)
            _ = try await suite.status(of: service)
            let audit = try suite.audit()
            #expect(audit.status == 65 && audit.output.contains(expected), "\(audit)")
            #expect(audit.output.contains("mend it with: \(service) rebuild"), "\(audit)")
            try suite.succeed(service, "rebuild")
            let mended = try suite.audit()
            #expect(mended.status == 0, "\(mended)")
        }
    }
}

extension Suite {
    /// Gives the customer a debt that a payment of 50.00 has repaid.
    ///
    /// - Returns: the debt in cents, and the position of the payment.
    fileprivate func repaidDebt(
        of customer: String, credit: String
    ) async throws -> (debt: Int64, payment: UInt64) {
        try self.customer(customer, funds: "10.00", credit: credit)
        try await place("debt", of: customer, price: 2000)
        #expect(try await ended("debt").status == .confirmed)
        _ = try await reversalEvent("CreditDrawn")
        let debt = try await account(customer).owed
        #expect((1..<5000).contains(debt), "\(debt)")
        try succeed("credit", customer, "50.00")
        _ = try await reversalEvent("CreditRepaid")
        let payments = try await events(.types(["MoneyCredited"]))
        return (debt, try #require(payments.last).position)
    }

    /// Waits for the first event of the type.
    fileprivate func reversalEvent(_ type: String) async throws -> RecordedEvent {
        try await event(matching: .types([type]))
    }

    fileprivate func account(_ id: String) async throws -> AccountView {
        try await view("balance", "account", id)
    }

    fileprivate func limit(_ id: String) async throws -> CreditLimitView {
        try await view("creditLimit", "limit", id)
    }

    /// Returns what the service shows once it includes the whole log.
    private func view<View: Decodable>(
        _ service: String, _ query: String, _ id: String
    ) async throws -> View {
        let store = try await eventStore()
        let head = try await store.welcome().head
        await store.close()
        let client = try await client(of: service)
        return try await closing(client.close) {
            try await client.query(query, id, atLeast: head)
        }
    }
}
