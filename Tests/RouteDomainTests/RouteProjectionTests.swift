import Contracts
import EventSourcing
import RouteDomain
import TestSupport
import Testing

@Suite struct `Route projection` {
    @Test func `Route shows its legs or the reason for its rejection`() throws {
        var model = RouteProjection.Model()
        for (index, event) in [
            RouteEvent.created(created("o")),
            .confirmed(RouteConfirmed(order: "o", customer: "a")),
            .rejected(
                RouteRejected(order: "p", customer: "a", reason: .tooLate, detail: "9 h")),
            .cancelled(RouteCancelled(order: "o", customer: "a")),
        ].enumerated() {
            RouteProjection.project(try recorded(event, index + 1), onto: &model)
        }
        let route = try #require(model.routes["o"])
        #expect((route.status, route.total, route.position) == (.cancelled, 120, 4))
        #expect(route.legs == created("o").legs)
        let none = try #require(model.routes["p"])
        #expect((none.status, none.reason, none.detail) == (.rejected, .tooLate, "9 h"))
        #expect(none.legs.isEmpty)
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
