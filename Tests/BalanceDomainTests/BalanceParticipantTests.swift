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
}
