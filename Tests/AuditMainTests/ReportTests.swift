import AuditDomain
import Contracts
import EventSourcing
import JSON
import Testing

@testable import AuditMain

@Suite struct `Audit report` {
    private struct Shown: Decodable, Equatable {
        struct Entry: Decodable, Equatable {
            var kind: Finding.Kind
            var message: String
            var remedy: [String]
        }

        var head: UInt64
        var orders: [String: Int]
        var totals: [String: [String: Int64]]
        var compared: Bool
        var findings: [Entry]
    }

    private func shown(_ audit: Audit, _ findings: [Report.Entry] = []) throws -> Shown {
        let report = Report(audit, at: 7, compared: true, findings: findings)
        return try JSON.decode(Shown.self, from: JSON.data(report))
    }

    @Test func `Report of an empty log counts no order and has its findings`() throws {
        let finding = Report.Entry(Finding(.queue, "it waits"), remedy: ["a command"])
        let expected = Shown(
            head: 7, orders: ["pending": 0, "confirmed": 0, "rejected": 0, "cancelled": 0],
            totals: [:], compared: true,
            findings: [.init(kind: .queue, message: "it waits", remedy: ["a command"])])
        #expect(try shown(Audit(), [finding]) == expected)
    }

    @Test func `Report shows sums beyond 64 bits as the largest number`() throws {
        var audit = Audit()
        let largest = Money(.max, .usd)
        let credited = AccountEvent.credited(
            MoneyCredited(account: "a", amount: largest, repaid: Money(0, .usd), reference: ""))
        let opened = AccountEvent.opened(
            AccountOpened(account: "a", currency: .usd, openedAt: Timestamp(microseconds: 0)))
        for (index, event) in [opened, credited, credited].enumerated() {
            audit.record(
                Recorded(
                    .account(event), position: UInt64(index + 1),
                    stream: try StreamName("account-a"), revision: UInt64(index), id: .none,
                    time: Timestamp(microseconds: 0), correlationID: .none))
        }
        let sums = try #require(try shown(audit).totals["USD"])
        #expect(sums["credits"] == .max && sums["withdrawals"] == 0)
    }
}
