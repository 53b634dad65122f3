import AccountDomain
import BalanceDomain
import Contracts
import EventSourcing
import EventSourcingTesting
import Testing

private let usd = try! Currency("USD")  // USD is in the currency table.
private func money(_ amount: Int64) -> Money { Money(amount, usd) }

@Suite struct `Balance participant` {
    private let rejection = OrderRejected(
        order: "o", customer: "a", reason: .deadlinePassed, detail: "")
    private let route = RouteCreated(
        order: "o", customer: "a", origin: "ATL", destination: "MEM", legs: [],
        itemsTotal: money(100), shipping: money(20), total: money(120),
        arrivesAt: Timestamp(microseconds: 9))

    @Test func `Balance absorbs events that come after the rejection`() throws {
        var balance = given(BalanceParticipant(), .orderRejected(rejection))
        #expect(try balance.when(.routeCreated(route)) == [])
    }

    @Test func `Balance absorbs an event that comes again`() throws {
        let cancelled = OrderCancelled(order: "o", customer: "a")
        var balance = given(BalanceParticipant(), .routeCreated(route), .orderCancelled(cancelled))
        #expect(try balance.when(.routeCreated(route)) == [])
    }

    @Test func `Balance reserves the total of the route`() throws {
        var balance = given(BalanceParticipant())
        #expect(
            try balance.when(.routeCreated(route))
                == [.reserve(account: "a", order: "o", total: money(120))])
    }

    @Test func `Balance completes a reversal for which credit was drawn`() throws {
        let drawn = ReversalCreditDrawn(customer: "a", request: 3, amount: money(30))
        var balance = given(BalanceParticipant())
        #expect(
            try balance.when(.reversalCreditDrawn(drawn))
                == [.completeReversal(account: "a", request: 3)])
        let saga = BalanceParticipant.saga(of: .reversalCreditDrawn(drawn))
        #expect(BalanceParticipant.tag(of: saga) == nil)
    }

    @Test(
        arguments: [
            (
                CreditDenied.Reason.limitExceeded, Money(1000, usd),
                "only 10.00 USD of the credit limit of a is left"
            ), (.noLimit, Money(0, usd), "a has no credit limit"),
            (.wrongCurrency, Money(1000, .eur), "the credit limit of a is in EUR"),
        ])
    func `Rejection of a reversal says to what the limit must be set first`(
        _ reason: CreditDenied.Reason, _ available: Money, _ state: String
    ) throws {
        let denied = ReversalCreditDenied(
            customer: "a", request: 3, amount: money(3643), available: available,
            requiredLimit: money(12_643), reason: reason)
        var balance = given(BalanceParticipant())
        #expect(
            try balance.when(.reversalCreditDenied(denied)) == [
                .rejectReversal(
                    account: "a", request: 3,
                    detail: "36.43 USD would be owed, but \(state); set the limit to 126.43 USD "
                        + "first: creditLimit set a 126.43 --currency USD")
            ])
    }
}
