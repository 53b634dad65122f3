import Contracts
import EventSourcing
import Foundation
import IntegrationHarness
import JSON
import TestSupport
import Testing
import WireProtocol

/// The audit finds events that queues lost, and the commands that it prints repair the sagas.
@Suite(.mayBlock, .serialized, .timeLimit(.minutes(10))) struct `Remedies of the audit` {
    @Test func `Audit lists queues that are not empty at its timeout, and unfinished orders`()
        async throws
    {
        let suite = try Suite()
        try await suite.startAll()
        try suite.customer("ann", funds: "100.00", credit: "0.00")
        suite.kill("route")
        try await suite.place("waiting", of: "ann", price: 1000)
        let audit = try suite.run("audit", "--compare", "--timeout", "1")
        #expect(audit.status == 65, "\(audit)")
        #expect(audit.output.contains("queue route is not empty: "), "\(audit)")
        #expect(audit.output.contains("unfinishedOrder"), "\(audit)")
    }

    @Test func `Audit's remedies repair a lost refund, cancellation and confirmation`() async throws
    {
        let suite = try Suite()
        try await suite.startAll()
        try suite.customer("ruth", funds: "1000.00", credit: "0.00")
        for order in ["unpaid", "sent"] {
            try await suite.place(order, of: "ruth", price: 1000)
            #expect(try await suite.ended(order).status == .confirmed)
        }
        #expect(try suite.audit().status == 0)

        try suite.losing("balance") { try suite.give("orders cancel unpaid") }
        try suite.losing("route") { try suite.give("orders cancel sent") }
        // The order is planned before route's queue loses its confirmation.
        try suite.give("event-store queues pause creditLimit")
        try await suite.place("planned", of: "ruth", price: 1000)
        _ = try await suite.first("FundsReserved", of: "planned")
        try suite.give("event-store queues pause route")
        try suite.give("event-store queues resume creditLimit")
        _ = try await suite.first("OrderConfirmed", of: "planned")
        try suite.give("event-store queues purge route --yes")
        try suite.give("event-store queues resume route")

        let found = try suite.findings()
        #expect(found.map(\.kind) == Array(repeating: "missingConsequence", count: 3), "\(found)")
        #expect(Set(found.map(\.order)) == ["unpaid", "sent", "planned"])
        for missing in ["PaymentRefunded", "RouteCancelled", "RouteConfirmed"] {
            #expect(found.contains { $0.message.contains("so \(missing)") }, "\(found)")
        }
        // The audit itself changes nothing.
        #expect(try suite.findings() == found)
        try suite.mend(found)
        #expect(try suite.findings() == [])
    }

    @Test func `Audit's remedies repair a lost event although later events were handled`()
        async throws
    {
        let suite = try Suite()
        try await suite.startAll()
        try suite.customer("saul", funds: "20.00", credit: "90.00")
        // Balance loses the confirmation, and then gets the cancellation.
        try suite.give("event-store queues pause creditLimit")
        try await suite.place("uncaptured", of: "saul", price: 2000)
        _ = try await suite.first("FundsReserved", of: "uncaptured")
        try suite.give("event-store queues pause balance")
        try suite.give("event-store queues resume creditLimit")
        _ = try await suite.first("OrderConfirmed", of: "uncaptured")
        try suite.give("event-store queues purge balance --yes")
        try suite.give("event-store queues resume balance")
        try suite.give("orders cancel uncaptured")
        let found = try suite.findings()
        #expect(found.map(\.order) == ["uncaptured", "uncaptured"], "\(found)")
        try suite.mend(found)
        #expect(try suite.findings() == [])

        // CreditLimit loses the payment, and then gets the refund.
        try suite.give("event-store queues pause orders")
        try await suite.place("undrawn", of: "saul", price: 3000)
        _ = try await suite.first("CreditReserved", of: "undrawn")
        try suite.give("event-store queues pause creditLimit")
        try suite.give("event-store queues resume orders")
        _ = try await suite.first("PaymentCaptured", of: "undrawn")
        try suite.give("event-store queues purge creditLimit --yes")
        try suite.give("event-store queues resume creditLimit")
        try suite.give("orders cancel undrawn")
        _ = try await suite.first("CreditRestored", of: "undrawn")
        let undrawn = try suite.findings()
        #expect(undrawn.map { $0.message.contains("so CreditDrawn is missing") } == [true])
        try suite.mend(undrawn)
        #expect(try suite.findings() == [])
    }

    @Test func `Audit's remedies repair a deleted rule, a paused queue and a dead letter`()
        async throws
    {
        let suite = try Suite()
        try await suite.startAll()
        try suite.customer("tess", funds: "1000.00", credit: "0.00")
        try await suite.place("early", of: "tess", price: 1000)
        #expect(try await suite.ended("early").status == .confirmed)
        #expect(try suite.audit().status == 0)

        try suite.give("event-store rules delete route-end")
        try suite.give("event-store queues pause balance")
        try suite.give("orders cancel early")
        suite.terminate("route")
        try await suite.limit("route", RetryPolicy(maximumAge: 0.1))
        try await suite.place("dead", of: "tess", price: 1000)
        let (id, _) = try await suite.deadLetter(of: "dead")
        try await suite.limit("route", RetryPolicy())
        try suite.start("route")

        let found = try suite.findings()
        let remedies = Set(found.flatMap(\.remedy))
        #expect(remedies.contains("event-store queues resume balance"), "\(found)")
        #expect(remedies.contains("event-store dlq redrive \(id)"), "\(found)")
        #expect(remedies.contains { $0.hasPrefix("event-store replays start audit-route-") })
        #expect(found.contains { $0.kind == "queue" && $0.message.contains("is paused") })
        #expect(found.contains { $0.kind == "unfinishedOrder" && $0.order == "dead" })
        try suite.mend(found)
        // The redriven order is confirmed without the deleted rule.
        #expect(try await suite.ended("dead").status == .confirmed)
        let rest = try suite.findings()
        #expect(rest.map(\.order) == ["dead"], "\(rest)")
        try suite.mend(rest)
        #expect(try suite.findings() == [])
    }

    @Test func `Audit reports unreadable events and events in the wrong stream`() async throws {
        let suite = try Suite()
        try await suite.startAll()
        try suite.customer("uma", funds: "10.00", credit: "0.00")
        let burnt = "event-store append --stream account-uma --type MoneyBurnt --data '{}'"
        let empty = "event-store append --stream account-uma --type MoneyCredited --data '{}'"
        let credit = """
            {"account":"uma","amount":{"amount":7,"currency":"USD"},\
            "repaid":{"amount":0,"currency":"USD"},"reference":""}
            """
        let misplaced =
            "event-store append --stream account-zoe --type MoneyCredited --data '\(credit)'"
        for line in [burnt, empty, misplaced] { try suite.give(line + " --unchecked") }
        let run = try suite.run("audit", "--json")
        #expect(run.status == 65 && run.errors.isEmpty, "\(run)")
        let found = try JSON.decode(Audited.self, from: run.output.utf8).findings
        #expect(found.map(\.kind) == ["unreadable", "unreadable", "misplaced"], "\(found)")
        #expect(found.allSatisfy { $0.remedy.isEmpty && $0.position != nil })
        let text = try suite.run("audit").output
        #expect(text.contains("VIOLATED misplaced at position"), "\(text)")
    }
}

/// The output of `audit --json`.
private struct Audited: Decodable {
    struct Finding: Decodable, Hashable {
        let kind: String
        let position: UInt64?
        let order: String?
        let message: String
        let remedy: [String]
    }

    let findings: [Finding]
}

extension Suite {
    /// Runs a shell line that must succeed.
    fileprivate func give(_ line: String) throws {
        let run = try shell(line)
        #expect(run.status == 0, "\(line): \(run)")
    }

    /// Makes the queue lose the events that `body` causes.
    fileprivate func losing(_ queue: String, _ body: () throws -> Void) throws {
        try give("event-store queues pause \(queue)")
        try body()
        try give("event-store queues purge \(queue) --yes")
        try give("event-store queues resume \(queue)")
    }

    /// Waits for the first event of the type that concerns the order.
    fileprivate func first(_ type: String, of order: String) async throws -> RecordedEvent {
        try await event(matching: EventQuery([.init(types: [type], tags: [Tag.order(order)])]))
    }

    fileprivate func findings() throws -> [Audited.Finding] {
        let run = try run("audit", "--compare", "--timeout", "60", "--json")
        let found = try JSON.decode(Audited.self, from: run.output.utf8).findings
        #expect(run.status == (found.isEmpty ? 0 : 65), "\(run)")
        return found
    }

    /// Runs each remedy once.
    fileprivate func mend(_ findings: [Audited.Finding]) throws {
        var given: Set<String> = []
        for command in findings.flatMap(\.remedy) where given.insert(command).inserted {
            try give(command)
        }
    }
}
