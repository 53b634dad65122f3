import AccountDomain
import Contracts
import EventSourcing
import EventSourcingTesting
import TestSupport
import Testing

private let usd = try! Currency("USD")  // USD is in the currency table.
private func money(_ amount: Int64) -> Money { Money(amount, usd) }
private let opened = AccountEvent.opened(
    AccountOpened(account: "a", currency: usd, openedAt: Timestamp(microseconds: 0)))
private func credited(_ amount: Int64, repaid: Int64 = 0) -> AccountEvent {
    .credited(
        MoneyCredited(account: "a", amount: money(amount), repaid: money(repaid), reference: ""))
}
private func reserved(_ total: Int64, _ fromBalance: Int64) -> AccountEvent {
    .reserved(
        FundsReserved(
            account: "a", order: "o", total: money(total), fromBalance: money(fromBalance),
            shortfall: money(total - fromBalance)))
}
private func captured(_ fromBalance: Int64, _ fromCredit: Int64) -> AccountEvent {
    .captured(
        PaymentCaptured(
            account: "a", order: "o", total: money(fromBalance + fromCredit),
            fromBalance: money(fromBalance), fromCredit: money(fromCredit)))
}

@Suite struct `Account decisions` {
    @Test func `Reservation holds the free funds and leaves the rest to credit`() throws {
        #expect(
            try given(Account.self, opened, credited(500))
                .when(.reserve(account: "a", order: "o", total: money(800))) == [reserved(800, 500)]
        )
    }

    @Test func `Reservation is rejected without an account or in another currency`() throws {
        let eur = Money(800, try Currency("EUR"))
        for (scenario, total) in [
            (given(Account.self), money(800)), (given(Account.self, opened), eur),
        ] {
            let events = try scenario.when(.reserve(account: "a", order: "o", total: total))
            guard case .refused = events.first else {
                Issue.record("not rejected: \(events)")
                continue
            }
        }
    }

    @Test func `Second reservation for the same order changes nothing`() throws {
        let command = Account.Command.reserve(account: "a", order: "o", total: money(800))
        #expect(
            try given(Account.self, opened, credited(900), reserved(800, 800)).when(command) == [])
        #expect(
            try given(Account.self, opened, credited(900), reserved(800, 800), captured(800, 0))
                .when(command) == [])
    }

    @Test func `Withdrawal can't take funds that are held for an order`() throws {
        let scenario = given(Account.self, opened, credited(1000), reserved(800, 800))
        #expect(throws: Account.Rejection.self) {
            try scenario.when(.withdraw(WithdrawMoney(account: "a", amount: money(201))))
        }
        #expect(
            try scenario.when(.withdraw(WithdrawMoney(account: "a", amount: money(200)))).count == 1
        )
    }

    @Test func `Rejected withdrawal says how much is free`() {
        let error = #expect(throws: Account.Rejection.self) {
            try given(Account.self, opened, credited(1000), reserved(800, 800))
                .when(.withdraw(WithdrawMoney(account: "a", amount: money(201))))
        }
        #expect(
            error?.description
                == "account a has 2.00 USD free (8.00 USD held for orders), not 2.01 USD")
    }

    @Test func `Credits and refunds repay first what the account owes`() throws {
        let inDebt = given(
            Account.self, opened, credited(500), reserved(800, 500), captured(500, 300))
        #expect(inDebt.state.balance == -300)
        #expect(
            try inDebt.when(.credit(CreditMoney(account: "a", amount: money(1000))))
                == [credited(1000, repaid: 300)])
        let refund = try inDebt.when(.refund(account: "a", order: "o"))
        #expect(
            refund == [
                .refunded(
                    PaymentRefunded(
                        account: "a", order: "o", amount: money(800), repaid: money(300),
                        toFunds: money(500)))
            ])
    }

    @Test func `Release, refund and capture do nothing without a reservation`() throws {
        #expect(try given(Account.self, opened).when(.release(account: "a", order: "o")) == [])
        #expect(try given(Account.self, opened).when(.refund(account: "a", order: "o")) == [])
        #expect(try given(Account.self, opened).when(.capture(account: "a", order: "o")) == [])
    }

    @Test func `Account objects to events that its earlier events would not allow`() {
        let withdrawn = AccountEvent.withdrawn(
            MoneyWithdrawn(account: "a", amount: money(100), reference: ""))
        let refunded = AccountEvent.refunded(
            PaymentRefunded(
                account: "a", order: "o", amount: money(800), repaid: money(300),
                toFunds: money(500)))
        let past = [
            opened, credited(500), credited(100), withdrawn, reserved(800, 500),
            captured(500, 300), refunded,
        ]
        #expect(objections(Account.self, past, without: 99) == [])
        #expect(objections(Account.self, past, without: 0) == [1, 2, 3, 4, 5, 6])
        #expect(objections(Account.self, past, without: 1) == [4])
        #expect(objections(Account.self, past, without: 2) == [4])
        // Without the withdrawal the account has more, which is no reason to object.
        #expect(objections(Account.self, past, without: 3) == [])
        #expect(objections(Account.self, past, without: 4) == [5])
        #expect(objections(Account.self, past, without: 5) == [6])
        #expect(objections(Account.self, past, without: 6) == [])
        #expect(Account.objection(to: opened, given: Account.fold([opened])) != nil)
        let repaying = [opened, credited(500), credited(50, repaid: 50)]
        #expect(objections(Account.self, repaying, without: 99) == [2])
        #expect(Account.objection(to: refunded, given: Account.fold([opened])) != nil)
    }
}
