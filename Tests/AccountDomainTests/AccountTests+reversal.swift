import AccountDomain
import Contracts
import EventSourcing
import EventSourcingTesting
import Testing

private let usd = try! Currency("USD")  // USD is in the currency table.
private func money(_ amount: Int64) -> Money { Money(amount, usd) }
private let id = EventID.random()
private let reverses = Reverses(event: id, reason: "mistaken")

@Suite struct `Account reversals` {
    private let opened = AccountEvent.opened(
        AccountOpened(account: "a", currency: usd, openedAt: Timestamp(microseconds: 0)))
    private func credited(
        _ amount: Int64, repaid: Int64 = 0, reverses: Reverses? = nil
    ) -> AccountEvent {
        .credited(
            MoneyCredited(
                account: "a", amount: money(amount), repaid: money(repaid), reference: "wages",
                reverses: reverses))
    }
    private func withdrawn(_ amount: Int64, reverses: Reverses? = nil) -> AccountEvent {
        .withdrawn(
            MoneyWithdrawn(
                account: "a", amount: money(amount), reference: "wages", reverses: reverses))
    }

    @Test func `Reversal withdraws credited money and credits withdrawn money`() throws {
        let account = given(Account.self, opened, credited(500), withdrawn(200))
        #expect(try account.whenReversed(at: 2, id: id) == [credited(200, reverses: reverses)])
        let debt = given(Account.self, opened, credited(500))
        #expect(try debt.whenReversed(at: 1, id: id) == [withdrawn(500, reverses: reverses)])
    }

    @Test func `Reversal can be reversed`() throws {
        let taken = given(Account.self, opened, credited(500), withdrawn(500, reverses: reverses))
        let next = EventID.random()
        #expect(
            try taken.whenReversed(at: 2, id: next, reason: "it was right")
                == [credited(500, reverses: Reverses(event: next, reason: "it was right"))])
    }

    @Test func `Reversal of a credit is rejected if the money is spent or held`() throws {
        let held = AccountEvent.reserved(
            FundsReserved(
                account: "a", order: "o", total: money(100), fromBalance: money(100),
                shortfall: money(0)))
        for spent in [withdrawn(1), held] {
            let error = #expect(throws: Account.Rejection.self) {
                try given(Account.self, opened, credited(500), spent).whenReversed(at: 1)
            }
            #expect(error?.description.contains("not 5.00 USD") == true)
        }
    }

    @Test func `Reversal of a withdrawal repays first what the account owes`() throws {
        let paid = AccountEvent.captured(
            PaymentCaptured(
                account: "a", order: "o", total: money(50), fromBalance: money(0),
                fromCredit: money(50)))
        let account = given(Account.self, opened, credited(200), withdrawn(200), paid)
        #expect(
            try account.whenReversed(at: 2, id: id)
                == [credited(200, repaid: 50, reverses: reverses)])
    }
}
