import Contracts
import EventSourcing
import TestSupport
import Testing

@testable import AuditDomain

/// Audits of logs in which one event of a saga had no consequence.
@Suite struct `Consequences of an order's end` {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let log: [Audit.Event]
        let kind: Finding.Kind
        let trigger: Trigger
        let missing: String

        init(
            _ missing: String, by queue: String, of position: UInt64, in stream: String,
            _ log: [Audit.Event], kind: Finding.Kind = .missingConsequence
        ) {
            testDescription = "\(missing) by \(queue)"
            self.missing = missing
            self.log = log
            self.kind = kind
            trigger = Trigger(
                queue: queue, position: position, stream: stream,
                group: queue == "creditLimit" ? "a" : "o")
        }
    }

    /// An open account with funds and a placed order. Its total is 120, of which 20 is credit.
    private static let start = [opened, credited(100), limit(50), placed]
    private static let reservations = [routeCreated, reserved(120, 100), creditReserved(20)]
    private static let ready = start + reservations
    private static let paid = ready + [confirmed, captured(100, 20), drawn(20)]

    static let ends = [
        Case(
            "PaymentCaptured", by: "balance", of: 8, in: "order-o",
            ready + [confirmed, routeConfirmed]),
        Case(
            "CreditDrawn", by: "creditLimit", of: 9, in: "account-a",
            ready + [confirmed, captured(100, 20), routeConfirmed]),
        Case("RouteConfirmed or RouteCancelled", by: "route", of: 8, in: "order-o", paid),
        Case(
            "FundsReleased", by: "balance", of: 8, in: "order-o",
            ready + [rejected, creditReleased(20), routeCancelled]),
        Case(
            "CreditReleased", by: "creditLimit", of: 8, in: "order-o",
            ready + [rejected, released(100), routeCancelled]),
        Case(
            "RouteCancelled", by: "route", of: 8, in: "order-o",
            ready + [rejected, released(100), creditReleased(20)]),
        Case(
            "PaymentRefunded", by: "balance", of: 12, in: "order-o",
            paid + [routeConfirmed, cancelled, routeCancelled]),
        Case(
            "CreditRestored", by: "creditLimit", of: 13, in: "account-a",
            paid + [routeConfirmed, cancelled, refunded(120, repaid: 20), routeCancelled]),
        Case(
            "RouteCancelled", by: "route", of: 12, in: "order-o",
            paid + [routeConfirmed, cancelled, refunded(120, repaid: 20), restored(20)]),
        Case(
            "CreditRepaid", by: "creditLimit", of: 12, in: "account-a",
            paid + [routeConfirmed, credited(30, repaid: 20)]),
    ]

    static let pending = [
        Case(
            "RouteCreated or RouteRejected", by: "route", of: 4, in: "order-o",
            start, kind: .unfinishedOrder),
        Case(
            "FundsReserved or FundsRefused", by: "balance", of: 5, in: "route-o",
            start + [routeCreated], kind: .unfinishedOrder),
        Case(
            "CreditReserved or CreditDenied", by: "creditLimit", of: 6, in: "account-a",
            start + [routeCreated, reserved(120, 100)], kind: .unfinishedOrder),
        Case(
            "OrderConfirmed or OrderRejected", by: "orders", of: 7, in: "creditLimit-a",
            ready, kind: .unfinishedOrder),
        Case(
            "OrderRejected", by: "orders", of: 5, in: "route-o",
            start + [routeRejected], kind: .unfinishedOrder),
    ]

    @Test(arguments: ends + pending)
    func `Audit names the event that had no consequence`(_ missing: Case) throws {
        let found = try findings(missing.log)
        #expect(found.map(\.kind) == [missing.kind], "\(found)")
        let finding = try #require(found.first)
        #expect(finding.trigger == missing.trigger)
        #expect(finding.position == missing.trigger.position)
        #expect(finding.message.contains("so \(missing.missing) is missing"), "\(finding)")
        #expect(finding.order == (missing.missing == "CreditRepaid" ? nil : "o"))
    }

    @Test func `Audit expects no consequence of a step that did not happen`() throws {
        // An order that is rejected at once has no route, hold or credit to release.
        #expect(try findings([placed, rejected]) == [])
        #expect(try findings([placed, routeRejected, rejected]) == [])
        // A refund that repaid nothing restores no credit.
        let log = [
            opened, credited(120), placed, routeCreated, reserved(120, 120), creditReserved(0),
            confirmed, captured(120, 0), drawn(0), cancelled, refunded(120, repaid: 0),
            routeCancelled,
        ]
        #expect(try findings(log) == [])
    }

    @Test func `Audit lists missing consequences in the order in which to repair them`() throws {
        let found = try findings(Self.ready + [confirmed, cancelled, routeCancelled])
        #expect(found.map(\.position) == [8, 9])
        #expect(found.map(\.trigger?.queue) == ["balance", "balance"])
        #expect(found.map { $0.message.contains("PaymentCaptured") } == [true, false])
    }

    @Test func `Audit finds funds that are reserved again after their release`() throws {
        let log =
            Self.ready + [rejected, released(100), creditReleased(20), routeCancelled]
            + [reserved(120, 100)]
        let found = try findings(log)
        #expect(found.map(\.trigger?.queue) == ["balance"])
        #expect(try findings(log + [released(100)]) == [])
    }

    @Test func `Audit finds an order that was confirmed without funds`() throws {
        let found = try findings([placed, confirmed])
        let message = "order o was confirmed, but no funds were reserved for it"
        #expect(found.map(\.message) == [message])
    }

    @Test func `Audit finds a confirmation more than 5 s after the deadline`() throws {
        func late(_ seconds: Double) throws -> [Finding] {
            var audit = try audited(placed)
            let time = epoch + .seconds(60 + seconds)
            audit.record(try recorded(confirmed, at: 2, time: time))
            return audit.findings
        }
        #expect(try late(-1) == [])
        #expect(try late(5) == [])
        let found = try late(5.5)
        #expect(found.map(\.kind) == [.lateConfirmation])
        #expect(found.first?.position == 2 && found.first?.order == "o")
    }

    @Test func `Audit compares the earliest and the latest time`() throws {
        let early = Audit.Event.order(
            .placed(
                OrderPlaced(
                    order: "o", customer: "a", items: [], itemsTotal: usd(0), origin: nil,
                    destination: "ATL", placedAt: epoch,
                    deadline: Timestamp(microseconds: .min))))
        var audit = try audited(early)
        audit.record(try recorded(confirmed, at: 2, time: Timestamp(microseconds: .max - 1)))
        #expect(audit.findings.map(\.kind) == [.lateConfirmation])
    }
}
