import Contracts
import CreditLimitDomain
import EventSourcing
import EventSourcingTesting
import Testing

private let usd = try! Currency("USD")  // USD is in the currency table.
private func money(_ amount: Int64) -> Money { Money(amount, usd) }

@Suite struct `CreditLimit participant` {
    private let funds = FundsReserved(
        account: "a", order: "o", total: money(120), fromBalance: money(0), shortfall: money(120))

    @Test func `CreditLimit absorbs events that come after the rejection`() throws {
        let rejection = OrderRejected(
            order: "o", customer: "a", reason: .deadlinePassed, detail: "")
        var limit = given(CreditLimitParticipant(), .orderRejected(rejection))
        #expect(try limit.when(.fundsReserved(funds)) == [])
    }

    @Test func `CreditLimit absorbs an event that comes again`() throws {
        let paid = PaymentCaptured(
            account: "a", order: "o", total: money(120), fromBalance: money(0),
            fromCredit: money(120))
        var limit = given(
            CreditLimitParticipant(), .fundsReserved(funds), .paymentCaptured(paid))
        #expect(try limit.when(.fundsReserved(funds)) == [])
    }

    @Test func `CreditLimit sends no command for a credit that repays nothing`() throws {
        func credited(repaid: Int64) -> CreditLimitParticipant.Event {
            .moneyCredited(
                MoneyCredited(
                    account: "a", amount: money(50), repaid: money(repaid), reference: ""))
        }
        var limit = given(CreditLimitParticipant())
        #expect(try limit.when(credited(repaid: 0)) == [])
        #expect(
            try limit.when(credited(repaid: 7)) == [.repay(customer: "a", amount: money(7))])
    }

    @Test func `CreditLimit draws the shortfall of a reversal`() throws {
        let requested = CreditReversalRequested(
            account: "a", request: 3, credit: .random(), reason: "bounced", amount: money(50),
            fromBalance: money(20), shortfall: money(30))
        var limit = given(CreditLimitParticipant())
        #expect(
            try limit.when(.creditReversalRequested(requested))
                == [.drawForReversal(customer: "a", request: 3, amount: money(30))])
        let saga = CreditLimitParticipant.saga(of: .creditReversalRequested(requested))
        #expect(CreditLimitParticipant.tag(of: saga) == nil)
    }
}
