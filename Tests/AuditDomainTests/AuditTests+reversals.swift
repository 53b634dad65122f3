import AuditDomain
import Contracts
import EventSourcing
import TestSupport
import Testing

/// Audits of logs in which a credit is reversed whose money was spent.
@Suite struct `Audit of reversals` {
    /// The account has 70 of the 100 that were paid in.
    private static let start = [opened, credited(100), withdrawn(30), limit(50)]
    private static let requested = start + [reversalRequested(100, 70)]

    @Test func `Audit finds nothing in reversals that ended well`() throws {
        var audit = try audited(
            Self.requested + [reversalDrawn(30), reversalCompleted(100, 70)])
        audit.close()
        #expect(audit.findings == [])
        #expect(audit.totals[.usd]?.withdrawals == 130 && audit.totals[.usd]?.balances == -30)
        let account = try #require(audit.accountFigures["a"])
        #expect((account.funds, account.held, account.owed) == (0, 0, 30))
        #expect(audit.limitFigures["a"]?.used == 30)
        let rejected = Self.requested + [reversalDenied, reversalRejected(70)]
        #expect(try findings(rejected) == [])
        #expect(try audited(rejected).accountFigures["a"]?.funds == 70)
    }

    @Test(
        arguments: [
            (requested, "creditLimit", "ReversalCreditDrawn or ReversalCreditDenied"),
            (requested + [reversalDrawn(30)], "balance", "CreditReversalCompleted"),
            (requested + [reversalDenied], "balance", "CreditReversalRejected"),
        ])
    func `Audit finds a reversal that has not ended, and the queue that must act`(
        _ log: [Audit.Event], _ queue: String, _ missing: String
    ) throws {
        let found = try findings(log)
        #expect(found.map(\.kind) == [.missingConsequence], "\(found)")
        let finding = try #require(found.first)
        #expect(finding.message.hasSuffix("so \(missing) is missing"), "\(finding)")
        #expect(finding.trigger?.queue == queue && finding.position == UInt64(log.count))
    }

    @Test(arguments: ["account-a", "creditLimit-a"])
    func `Unreadable event of a customer is the only finding about the reversal`(
        _ stream: String
    ) throws {
        for steps in [
            [], [reversalDrawn(30)], [reversalDrawn(30), reversalCompleted(100, 70)],
            [reversalDenied, reversalRejected(70)],
        ] {
            var audit = try audited(Self.start)
            audit.record(try record(at: 5, stream: stream, type: "Unknown", data: "{}"))
            for (index, event) in ([reversalRequested(100, 70)] + steps).enumerated() {
                audit.record(try recorded(event, at: UInt64(6 + index)))
            }
            audit.close()
            #expect(audit.findings.map(\.kind) == [.unreadable], "\(audit.findings)")
        }
    }

    @Test(
        arguments: [
            (requested + [reversalCompleted(100, 70)], "without the decision of creditLimit"),
            (requested + [reversalRejected(70)], "without the decision of creditLimit"),
            (requested + [reversalDrawn(30), reversalRejected(70)], "is rejected without"),
            (requested + [reversalDrawn(29)], "draws 29 of credit, but needs 30"),
            (requested + [reversalDrawn(30), reversalDrawn(30)], "does not wait for it"),
            (start + [reversalDrawn(30)], "does not wait for it"),
            (
                requested + [reversalDrawn(30), reversalCompleted(101, 70)],
                "owes 31, but had requested 30"
            ),
            (
                requested + [reversalDenied, reversalRejected(69)],
                "releases 69 of funds, but held 70"
            ),
            (start + [reversalRequested(100, 71)], "has funds of 70 and holds 71"),
        ])
    func `Audit finds a step of a reversal that breaks a rule`(
        _ log: [Audit.Event], _ message: String
    ) throws {
        let found = try audited(log).findings
        #expect(found.first?.position == UInt64(log.count), "\(found)")
        #expect(found.contains { $0.message.contains(message) }, "\(found)")
    }
}
