import Contracts
import EventSourcing
import EventStoreClient
import Foundation
import IntegrationHarness
import ServiceRuntime
import TestSupport
import Testing
import WireProtocol

@Suite(.mayBlock, .serialized, .timeLimit(.minutes(10))) struct `Reversals in a suite` {
    @Test func `Credit can be reversed and restored, and a dry run appends nothing`() async throws {
        let suite = try Suite()
        try await suite.startAll()
        try suite.customer("kim", funds: "100.00", credit: "50.00")
        let credit = try await suite.position(of: "MoneyCredited")
        let before = try suite.run("balance", "show", "kim").output
        let head = try await suite.head()
        let dry = try suite.run("credit", "reverse", "\(credit)", "--reason", "twice", "--dry-run")
        #expect(dry.status == 0, "\(dry)")
        #expect(dry.output.hasPrefix("DRY RUN: MoneyCredited at position \(credit)"), "\(dry)")
        #expect(dry.output.contains("balance  kim         balance  100.00  0.00"), "\(dry)")
        #expect(try await suite.head() == head)

        let reversed = try suite.run("credit", "reverse", "\(credit)", "--reason", "twice")
        #expect(reversed.status == 0, "\(reversed)")
        let reversal = try await suite.position(of: "MoneyWithdrawn")
        let again = try suite.run("credit", "reverse", "\(credit)", "--reason", "twice")
        #expect(
            again.status == 65
                && again.errors.hasSuffix("by MoneyWithdrawn at position \(reversal)\n"), "\(again)"
        )
        #expect(try suite.run("withdraw", "list", "kim").output.contains("reversal: twice"))

        let back = try suite.run("withdraw", "reverse", "\(reversal)", "--reason", "it was not")
        #expect(back.status == 0, "\(back)")
        #expect(try suite.run("balance", "show", "kim").output == before)
        let third = try suite.run("credit", "reverse", "\(credit)", "--reason", "twice")
        #expect(third.errors.contains("which is reversed by MoneyCredited at"), "\(third)")
        #expect(try suite.audit().status == 0)
    }

    @Test func `Reversal repeated under the same command id happens once`() async throws {
        let suite = try Suite()
        try await suite.startAll()
        try suite.customer("lea", funds: "100.00", credit: "0.00")
        let store = try await suite.eventStore()
        let credited = try await suite.event(
            matching: EventQuery([.init(types: ["MoneyCredited"])]))
        let client = try await suite.client(of: "credit")
        let (id, command) = (
            EventID.random(), ReverseEvent(event: credited.id, reason: "mistaken")
        )
        let first = try await client.command(ReverseEvent.name, command, id: id)
        #expect(first.result == .appended && first.correlationID == credited.correlationID)
        let second = try await client.command(
            ReverseEvent.name, command, id: id, mayBeRepeat: true)
        #expect(second.result == .repeated && second.position == first.position)
        let reversal = try await suite.event(
            matching: .tags([credited.id.reversalTag]))
        #expect(reversal.position == first.position)
        #expect(reversal.causationID == credited.id)
        #expect(reversal.correlationID == credited.correlationID)
        await client.close()
        await store.close()
    }

    /// The dry run lists what then happens. The saga undoes its steps although two services are
    /// killed.
    @Test func `Reversal of an order has the consequences that its dry run listed`() async throws {
        let suite = try Suite()
        try await suite.startAll()
        try suite.customer("max", funds: "50.00", credit: "500.00")
        try await suite.place("big", of: "max", price: 30_000)
        #expect(try await suite.ended("big").status == .confirmed)
        // The order has drawn credit, which the reversal must restore.
        let drawn = try await suite.position(of: "CreditDrawn")
        let step = try suite.run("creditLimit", "reverse", "\(drawn)", "--reason", "x")
        #expect(
            step.status == 65 && step.errors.contains("'orders cancel big'"), "\(step)")
        let foreign = try suite.run("orders", "reverse", "\(drawn)", "--reason", "x")
        #expect(foreign.status == 65 && foreign.errors.contains("orders does not decide on it"))

        let confirmed = try await suite.position(of: "OrderConfirmed")
        let dry = try suite.run(
            "orders", "reverse", "\(confirmed)", "--reason", "fraud", "--dry-run")
        let said = dry.output.split(separator: "\n").map { $0.split(separator: " ") }
        #expect(dry.output.contains("└─ CreditDrawn  creditLimit-max"), "\(dry)")
        let events = said.filter { $0.count == 4 && $0[2].contains("-") }
        let expected = [
            ["orders", "OrderCancelled", "order-big"],
            ["balance", "PaymentRefunded", "account-max"],
            ["creditLimit", "CreditRestored", "creditLimit-max"],
            ["route", "RouteCancelled", "route-big"],
        ]
        #expect(Set(events.map { $0.prefix(3).map(String.init) }) == Set(expected), "\(dry)")

        suite.kill("balance")
        let reversed = try suite.run("orders", "reverse", "\(confirmed)", "--reason", "fraud")
        #expect(reversed.status == 0, "\(reversed)")
        suite.kill("creditLimit")
        try suite.start("balance")
        _ = try await suite.position(of: "PaymentRefunded")
        try suite.start("creditLimit")
        for event in expected { _ = try await suite.position(of: event[1]) }
        let audit = try suite.audit()
        #expect(audit.status == 0, "\(audit)")
        let view = try suite.run("orders", "show", "big", "--json").output
        #expect(view.contains(#""detail":"fraud""#) && view.contains("cancelled"), "\(view)")
        for (service, entity, change) in [
            ("balance", "max", "funds"), ("orders", "big", "status"),
            ("creditLimit", "max", "used"),
        ] {
            let line = try #require(
                said.first { $0.count == 5 && $0[0] == service && $0[2] == change }, "\(dry)")
            let now = try suite.run(service, "show", entity).output
            #expect(now.contains(line[4]), "\(line): \(now)")
        }
        let twice = try suite.run("orders", "reverse", "\(confirmed)", "--reason", "fraud")
        #expect(twice.status == 65 && twice.errors.contains("reversed already"), "\(twice)")
    }

    /// Events may be in flight to a service that does not answer.
    @Test func `Dry run shows no figures, and --wait waits, while a service does not answer`()
        async throws
    {
        let suite = try Suite()
        try await suite.startAll()
        try suite.customer("ned", funds: "50.00", credit: "0.00")
        suite.terminate("route")
        let credit = try await suite.position(of: "MoneyCredited")
        let reverse = ["credit", "reverse", "\(credit)", "--reason", "x", "--timeout", "5"]
        let dry = try suite.run(reverse + ["--dry-run"])
        #expect(dry.status == 0 && dry.output.contains("route does not answer"), "\(dry)")
        #expect(dry.output.contains("may be in flight, so no figures are shown"), "\(dry)")
        #expect(!dry.output.contains("would show"), "\(dry)")
        let head = try await suite.head()
        let waiting = try suite.run(reverse + ["--wait"])
        #expect(waiting.status == 69 && waiting.errors.contains("route"), "\(waiting)")
        #expect(waiting.errors.contains("not answer, so events may be in flight"), "\(waiting)")
        #expect(try await suite.head() == head)
    }

    @Test func `Reversal of an unknown event is rejected`() async throws {
        let suite = try Suite()
        try await suite.startAll()
        for (event, status, reason) in [
            ("99999", 65, "there is no event 99999"), ("x", 64, "neither an event's id nor"),
        ] {
            let wrong = try suite.run("credit", "reverse", event, "--reason", "x")
            #expect(wrong.status == status && wrong.errors.contains(reason), "\(wrong)")
        }
    }
}

extension Suite {
    /// Waits for the first event of the type and returns its position.
    fileprivate func position(of type: String) async throws -> UInt64 {
        try await event(matching: EventQuery([.init(types: [type])])).position
    }

    fileprivate func head() async throws -> UInt64 {
        let store = try await eventStore()
        let head = try await store.welcome().head
        await store.close()
        return head
    }
}
