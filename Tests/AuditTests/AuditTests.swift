import AuditDomain
import Contracts
import EventSourcing
import Testing

/// Books that do not balance: for each rule, a log that breaks it.
@Suite struct `The audit` {
    @Test func `finds nothing in a saga that went well`() {
        var audit = audited(
            opened, credited(100), placed, limit(50), reserved(120, 100), creditReserved(20),
            confirmed, captured(100, 20), drawn(20), cancelled, refunded(120, repaid: 20),
            .creditLimit(.restored(CreditRestored(customer: "a", order: "o", amount: usd(20)))))
        audit.close()
        #expect(audit.violations == [])
        let totals = audit.totals[.usd]
        #expect(totals?.credits == 100 && totals?.captures == 120 && totals?.refunds == 120)
        #expect(totals?.withdrawals == 0 && totals?.balances == 100)
        #expect(audit.outcomes.cancelled == 1)
    }

    @Test(arguments: Fault.all) func `finds`(_ fault: Fault) {
        var audit = audited(fault.log)
        #expect(audit.violations.map(\.position).first == fault.position)
        #expect(audit.violations.first?.message.contains(fault.message) == true)
        audit.close()
    }

    @Test func `says at the end what is still open`() {
        var audit = audited(
            opened, credited(100), placed, limit(50), reserved(120, 100), creditReserved(20))
        #expect(audit.violations == [])
        audit.close()
        let messages = audit.violations.map(\.message)
        #expect(messages.count == 3)
        #expect(messages[0].contains("still holds"))
        #expect(messages[1].contains("still has reserved"))
        #expect(messages[2] == "order o has not ended")
    }

    @Test func `says at the end that what is owed was never drawn`() {
        var audit = audited(
            opened, placed, limit(50), reserved(20, 0), creditReserved(20), confirmed,
            captured(0, 20))
        audit.close()
        #expect(audit.violations.first?.message == "customer a owes 20, but has 0 used")
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
            credited(100), placed, reserved(120, 100),
            .account(.withdrawn(MoneyWithdrawn(account: "a", amount: usd(10), reference: "")))),
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
            opened, credited(120), placed, reserved(120, 120),
            .account(.released(FundsReleased(account: "a", order: "o", amount: usd(120))))),
        Fault(
            "a second capture", at: 7, "gives up 120 of funds, but held none", opened,
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
            "a confirmation after a rejection", at: 3, "becomes confirmed after rejected", placed,
            .order(
                .rejected(
                    OrderRejected(
                        order: "o", customer: "a", reason: .deadlinePassed, detail: ""))),
            confirmed),
        Fault("an order placed twice", at: 2, "becomes pending after pending", placed, placed),
        Fault("an account opened twice", at: 2, "is opened twice", opened, opened),
    ]
}

private func audited(_ log: Audit.Event...) -> Audit { audited(log) }

private func audited(_ log: [Audit.Event]) -> Audit {
    log.enumerated().reduce(into: Audit()) { $0.record($1.element, at: UInt64($1.offset + 1)) }
}

private func usd(_ cents: Int64) -> Money { Money(cents, .usd) }

private let opened = Audit.Event.account(
    .opened(AccountOpened(account: "a", currency: .usd, openedAt: Timestamp(microseconds: 0))))
private let placed = Audit.Event.order(
    .placed(
        OrderPlaced(
            order: "o", customer: "a", items: [], itemsTotal: usd(100), origin: nil,
            destination: "ATL", placedAt: Timestamp(microseconds: 0),
            deadline: Timestamp(microseconds: 1))))
private let confirmed = Audit.Event.order(
    .confirmed(OrderConfirmed(order: "o", customer: "a")))
private let cancelled = Audit.Event.order(
    .cancelled(OrderCancelled(order: "o", customer: "a")))

private func credited(_ amount: Int64) -> Audit.Event {
    .account(
        .credited(
            MoneyCredited(account: "a", amount: usd(amount), repaid: usd(0), reference: "")))
}

private func reserved(_ total: Int64, _ fromBalance: Int64) -> Audit.Event {
    .account(
        .reserved(
            FundsReserved(
                account: "a", order: "o", total: usd(total), fromBalance: usd(fromBalance),
                shortfall: usd(total - fromBalance))))
}

private func captured(_ fromBalance: Int64, _ fromCredit: Int64) -> Audit.Event {
    .account(
        .captured(
            PaymentCaptured(
                account: "a", order: "o", total: usd(fromBalance + fromCredit),
                fromBalance: usd(fromBalance), fromCredit: usd(fromCredit))))
}

private func refunded(_ amount: Int64, repaid: Int64) -> Audit.Event {
    .account(
        .refunded(
            PaymentRefunded(
                account: "a", order: "o", amount: usd(amount), repaid: usd(repaid),
                toFunds: usd(amount - repaid))))
}

private func limit(_ amount: Int64) -> Audit.Event {
    .creditLimit(.set(CreditLimitSet(customer: "a", limit: usd(amount))))
}

private func creditReserved(_ amount: Int64) -> Audit.Event {
    .creditLimit(.reserved(CreditReserved(customer: "a", order: "o", amount: usd(amount))))
}

private func drawn(_ amount: Int64) -> Audit.Event {
    .creditLimit(.drawn(CreditDrawn(customer: "a", order: "o", amount: usd(amount))))
}
