import AuditDomain
import Contracts
import EventSourcing
import TestSupport
import Testing

/// Audits of logs, most of which break one invariant.
@Suite struct `Audit findings` {
    @Test func `Audit finds nothing in a saga that went well`() throws {
        var audit = try audited(
            opened, credited(100), placed, routeCreated, limit(50), reserved(120, 100),
            creditReserved(20), confirmed, captured(100, 20), routeConfirmed, drawn(20), cancelled,
            refunded(120, repaid: 20), restored(20), routeCancelled)
        audit.close()
        #expect(audit.findings == [])
        let totals = audit.totals[.usd]
        #expect(totals?.credits == 100 && totals?.captures == 120 && totals?.refunds == 120)
        #expect(totals?.withdrawals == 0 && totals?.balances == 100)
        #expect(audit.ordersByStatus["cancelled"] == 1 && audit.orderCount == 1)
    }

    @Test(arguments: Fault.all)
    func `Audit finds a broken invariant at its position`(_ fault: Fault) throws {
        let findings = try audited(fault.log).findings
        #expect(findings.first?.kind == .invariant)
        #expect(findings.first?.position == fault.position)
        #expect(findings.first?.message.contains(fault.message) == true, "\(findings)")
    }

    @Test func `Audit finds that a customer owes more than the credit used`() throws {
        let late = try findings([
            opened, placed, routeCreated, limit(50), reserved(20, 0), creditReserved(20), confirmed,
            captured(0, 20), routeConfirmed, drawn(20), repaid(5),
        ])
        #expect(late.map(\.message) == ["customer a owes 20, but has 15 used"])
        #expect(late.first?.kind == .invariant && late.first?.position == nil)
    }

    @Test func `Audit finds money that stays reserved for an order nobody placed`() throws {
        let messages = try findings([
            opened, credited(100), limit(50), reserved(50, 40), creditReserved(10),
        ]).map(\.message)
        #expect(
            messages == [
                #"account a still holds funds for ["o"]"#,
                #"customer a still has credit reserved for ["o"]"#,
            ])
    }

    @Test func `Audit reports sums that do not fit into 64 bits`() throws {
        var audit = try audited(opened)
        for position in UInt64(2)...3 {
            audit.record(try recorded(credited(.max), at: position))
        }
        #expect(audit.findings.map(\.kind) == [.overflow])
        #expect(audit.findings.first?.position == 3)
        #expect(audit.totals[.usd]?.balances == 2 * Int128(Int64.max))
        audit.record(try recorded(reserved(.max, .max), at: 4))
        audit.record(try recorded(creditReserved(.max), at: 5))
        audit.record(try recorded(limit(.min), at: 6))
        audit.close()
        #expect(audit.findings.contains { $0.kind == .invariant })
    }

    @Test func `Audit keeps the books of each currency apart`() throws {
        let euros = Audit.Event.account(
            .credited(
                MoneyCredited(
                    account: "a", amount: Money(5, .eur), repaid: Money(0, .eur), reference: "")))
        let audit = try audited(opened, credited(1), euros)
        #expect(audit.findings.map(\.position) == [3])
        #expect(audit.findings.first?.message.contains("kept in USD") == true)
        #expect(audit.totals[.usd]?.credits == 1 && audit.totals[.eur] == nil)
    }
}

struct Fault: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let position: UInt64
    let message: String
    let log: [Audit.Event]

    init(_ name: String, at position: UInt64, _ message: String, _ log: Audit.Event...) {
        testDescription = name
        self.position = position
        self.message = message
        self.log = log
    }

    static let all = [
        Fault(
            "a withdrawal of held funds", at: 5, "has funds of 90 and holds 100", opened,
            credited(100), placed, reserved(120, 100), withdrawn(10)),
        Fault(
            "a reservation of more than there is", at: 4, "has funds of 100 and holds 101", opened,
            credited(100), placed, reserved(120, 101)),
        Fault(
            "money on an account that is not open", at: 1, "account a is not open", credited(1)),
        Fault(
            "a refund of more than was paid", at: 8, "is refunded 130, but had paid 120", opened,
            credited(120), placed, reserved(120, 120), confirmed, captured(120, 0), cancelled,
            refunded(130, repaid: 0)),
        Fault(
            "a refund whose parts do not add up", at: 8, "has come in", opened, credited(120),
            placed, reserved(120, 120), confirmed, captured(120, 0), cancelled,
            .account(
                .refunded(
                    PaymentRefunded(
                        account: "a", order: "o", amount: usd(120), repaid: usd(0),
                        toFunds: usd(119))))),
        Fault(
            "a capture before the order is confirmed", at: 5, "has a capture while it is pending",
            opened, credited(120), placed, reserved(120, 120), captured(120, 0)),
        Fault(
            "a refund of an order that stands", at: 7, "has a refund while it is confirmed",
            opened, credited(120), placed, reserved(120, 120), confirmed, captured(120, 0),
            refunded(120, repaid: 0)),
        Fault(
            "a release for an order that stands", at: 5, "has a release while it is pending",
            opened, credited(120), placed, reserved(120, 120), released(120)),
        Fault(
            "a second capture", at: 7, "releases 120 of funds, but held none", opened,
            credited(240), placed, reserved(120, 120), confirmed, captured(120, 0),
            captured(120, 0)),
        Fault(
            "credit beyond the limit", at: 2, "has 51 reserved and 0 used of a limit of 50",
            limit(50), creditReserved(51)),
        Fault(
            "a limit set below what is reserved", at: 3, "40 reserved and 0 used of a limit of 39",
            limit(50), creditReserved(40), limit(39)),
        Fault(
            "a draw of what was not reserved", at: 2, "but had reserved none", limit(50),
            drawn(20)),
        Fault(
            "credit in another currency", at: 2, "is in USD, not in EUR", limit(50),
            .creditLimit(
                .reserved(CreditReserved(customer: "a", order: "o", amount: Money(1, .eur))))),
        Fault(
            "a confirmation after a rejection", at: 3, "becomes confirmed after rejected", placed,
            rejected, confirmed),
        Fault("an order placed twice", at: 2, "becomes pending after pending", placed, placed),
        Fault("an account opened twice", at: 2, "is opened twice", opened, opened),
    ]
}
