import Contracts
import EventSourcing
import EventSourcingTesting
import RouteDomain
import Testing

@Suite struct `Route decisions` {
    private let created = RouteEvent.created(
        RouteCreated(
            order: "o", customer: "a", origin: "MEM", destination: "ATL", legs: [],
            itemsTotal: Money(100, .usd), shipping: Money(20, .usd), total: Money(120, .usd),
            arrivesAt: Timestamp(microseconds: 9)))
    private let rejected = RouteRejected(
        order: "o", customer: "a", reason: .unreachable, detail: "no way")
    private let confirmed = RouteEvent.confirmed(RouteConfirmed(order: "o", customer: "a"))
    private let cancelled = RouteEvent.cancelled(RouteCancelled(order: "o", customer: "a"))
    private let confirm = Route.Command.confirm(order: "o", customer: "a")
    private let cancel = Route.Command.cancel(order: "o", customer: "a")

    @Test func `Route is confirmed once and can be cancelled before or after that`() throws {
        #expect(try given(Route.self, created).when(confirm) == [confirmed])
        #expect(try given(Route.self, created, confirmed).when(confirm) == [])
        #expect(try given(Route.self, created).when(cancel) == [cancelled])
        #expect(try given(Route.self, created, confirmed).when(cancel) == [cancelled])
        #expect(try given(Route.self, created, cancelled).when(confirm) == [])
    }

    @Test func `Missing or rejected route is neither confirmed nor cancelled`() throws {
        for past in [given(Route.self), given(Route.self, .rejected(rejected))] {
            #expect(try past.when(confirm) == [])
            #expect(try past.when(cancel) == [])
        }
    }

    @Test func `Route is rejected only if its order has no answer yet`() throws {
        #expect(try given(Route.self).when(.reject(rejected)) == [.rejected(rejected)])
        for answer in [created, .rejected(rejected), cancelled] {
            #expect(try given(Route.self, answer).when(.reject(rejected)) == [])
        }
    }
}

@Suite struct `Route participant` {
    private let route = RouteParticipant(planner: StraightLine(), origin: "MEM")

    @Test func `Route adds the shipping of all items to their total`() throws {
        var reaction = given(route)
        let commands = try reaction.when(.orderPlaced(order([2, 3])))
        guard case .create(let created) = try #require(commands.first) else {
            Issue.record("no route: \(commands)")
            return
        }
        #expect(created.origin == "MEM")
        #expect(created.shipping == Money(50, .usd))
        #expect(created.total == Money(550, .usd))
        #expect(created.arrivesAt == Timestamp(microseconds: 0) + .seconds(60))
    }

    @Test func `Route starts at the origin that the order names`() throws {
        var reaction = given(route)
        let commands = try reaction.when(.orderPlaced(order([1], origin: "LAX")))
        guard case .create(let created) = try #require(commands.first) else {
            Issue.record("no route: \(commands)")
            return
        }
        #expect(created.origin == "LAX")
    }

    @Test func `Rejection says why there is no route`() throws {
        var reaction = given(route)
        #expect(
            try reaction.when(.orderPlaced(order([1], to: "XXX"))) == [
                .reject(
                    RouteRejected(
                        order: "o", customer: "a", reason: .unknownHub, detail: "no hub XXX"))
            ])
    }

    @Test func `Route is rejected if its total exceeds the largest amount`() throws {
        var placed = order([.max])
        placed.itemsTotal = Money(Money.largest, .usd)
        var reaction = given(route)
        guard case .reject(let rejected)? = try reaction.when(.orderPlaced(placed)).first else {
            Issue.record("not rejected")
            return
        }
        #expect(rejected.reason == .tooExpensive)
    }

    @Test func `Order whose quantities overflow is rejected`() throws {
        var reaction = given(route)
        guard case .reject? = try reaction.when(.orderPlaced(order([.max, .max]))).first else {
            Issue.record("not rejected")
            return
        }
    }

    @Test func `Route is confirmed and cancelled with its order`() throws {
        var reaction = given(route)
        #expect(
            try reaction.when(.orderConfirmed(OrderConfirmed(order: "o", customer: "a")))
                == [.confirm(order: "o", customer: "a")])
        #expect(
            try reaction.when(.orderCancelled(OrderCancelled(order: "o", customer: "a")))
                == [.cancel(order: "o", customer: "a")])
    }

    @Test func `No route is planned for an order that has ended`() throws {
        let rejected = OrderRejected(
            order: "o", customer: "a", reason: .cancelledByCustomer, detail: "")
        var reaction = given(route, .orderRejected(rejected))
        #expect(try reaction.when(.orderPlaced(order([1]))) == [])
    }

    private func order(
        _ quantities: [Int], origin: String? = nil, to destination: String = "ATL"
    ) -> OrderPlaced {
        let zero = Timestamp(microseconds: 0)
        return OrderPlaced(
            order: "o", customer: "a",
            items: quantities.map {
                OrderItem(sku: "cd", quantity: $0, unitPrice: Money(100, .usd))
            },
            itemsTotal: Money(500, .usd), origin: origin, destination: destination, placedAt: zero,
            deadline: zero + .seconds(30))
    }
}

/// Reaches every hub except XXX within a minute, for 10 per item.
private struct StraightLine: RoutePlanner {
    func plan(_ journey: Journey) throws(RouteRefusal) -> RoutePlan {
        guard journey.destination != "XXX" else { throw RouteRefusal(.unknownHub, "no hub XXX") }
        guard let cost = Money(10, journey.currency).times(journey.quantity) else {
            throw RouteRefusal(.tooExpensive, "too much")
        }
        return RoutePlan(legs: [], cost: cost, arrivesAt: journey.departsAt + .seconds(60))
    }
}
