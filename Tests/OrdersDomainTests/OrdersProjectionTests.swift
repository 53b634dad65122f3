import Contracts
import EventSourcing
import OrdersDomain
import TestSupport
import Testing

@Suite struct `Orders projection` {
    @Test func `Order shows the results of its saga`() throws {
        var model = OrdersProjection.Model()
        for (index, event) in saga("o").enumerated() {
            OrdersProjection.project(try recorded(event, index + 1), onto: &model)
        }
        OrdersProjection.project(try recorded(.placed(placed("p")), 6), onto: &model)
        let rejected = OrderRejected(
            order: "p", customer: "a", reason: .creditDenied, detail: "5 asked")
        OrdersProjection.project(try recorded(.rejected(rejected), 7), onto: &model)

        let order = try #require(model.orders["o"])
        #expect(order.status == .cancelled)
        #expect((order.total, order.shipping) == (120, 20))
        #expect((order.fromBalance, order.fromCredit) == (100, 20))
        #expect((order.origin, order.arrivesAt) == ("MEM", time(90)))
        #expect((order.endedAt, order.position) == (time(5), 5))
        let other = try #require(model.orders["p"])
        #expect((other.status, other.reason, other.detail) == (.rejected, .creditDenied, "5 asked"))
        #expect(model.customers["a"]?.orders == ["o", "p"])
    }

    private func saga(_ order: String) -> [OrdersProjection.Event] {
        [
            .placed(placed(order)), .routed(created(order)),
            .reserved(
                FundsReserved(
                    account: "a", order: order, total: usd(120), fromBalance: usd(100),
                    shortfall: usd(20))),
            .confirmed(OrderConfirmed(order: order, customer: "a")),
            .cancelled(OrderCancelled(order: order, customer: "a")),
        ]
    }

    private func placed(_ order: String) -> OrderPlaced {
        OrderPlaced(
            order: order, customer: "a",
            items: [OrderItem(sku: "cd", quantity: 1, unitPrice: usd(100))], itemsTotal: usd(100),
            origin: nil, destination: "ATL", placedAt: time(0), deadline: time(30))
    }

    private func created(_ order: String) -> RouteCreated {
        RouteCreated(
            order: order, customer: "a", origin: "MEM", destination: "ATL",
            legs: [
                RouteLeg(
                    from: "MEM", to: "ATL", meters: 532_000, departsAt: time(0),
                    arrivesAt: time(90), cost: usd(20))
            ], itemsTotal: usd(100), shipping: usd(20), total: usd(120), arrivesAt: time(90))
    }

    private func usd(_ cents: Int64) -> Money { Money(cents, .usd) }
    private func time(_ second: Int) -> Timestamp { Timestamp(microseconds: 0) + .seconds(second) }
}
