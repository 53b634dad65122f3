import Contracts
import EventSourcing
import EventSourcingTesting
import RouteDomain
import Testing

@Suite struct `Route participant` {
    private let route = RouteParticipant(planner: StraightLine(), origin: "MEM")

    @Test func `Route adds the shipping of all items to their total`() throws {
        var reaction = given(route)
        let commands = try reaction.when(.placed(order([2, 3])))
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
        let commands = try reaction.when(.placed(order([1], origin: "LAX")))
        guard case .create(let created) = try #require(commands.first) else {
            Issue.record("no route: \(commands)")
            return
        }
        #expect(created.origin == "LAX")
    }

    @Test func `Rejection says why there is no route`() throws {
        var reaction = given(route)
        #expect(
            try reaction.when(.placed(order([1], to: "XXX"))) == [
                .reject(
                    RouteRejected(
                        order: "o", customer: "a", reason: .unknownHub, detail: "no hub XXX"))
            ])
    }

    @Test func `Order in a currency without shipping prices is rejected`() throws {
        var placed = order([1])
        placed.itemsTotal = Money(500, .jpy)
        let hubs = "code,name,city,country,latitude,longitude,timezone\nATL,a,a,US,33,-84,z\n"
        let planner = NetworkPlanner(try Network(csv: hubs), limitMinutes: 60)
        var reaction = given(RouteParticipant(planner: planner, origin: "ATL"))
        guard case .reject(let rejected)? = try reaction.when(.placed(placed)).first else {
            Issue.record("not rejected")
            return
        }
        #expect(rejected.reason == .currencyNotServed && rejected.detail.contains("JPY"))
    }

    @Test func `Route is rejected if its total exceeds the largest amount`() throws {
        var placed = order([.max])
        placed.itemsTotal = Money(Money.largest, .usd)
        var reaction = given(route)
        guard case .reject(let rejected)? = try reaction.when(.placed(placed)).first else {
            Issue.record("not rejected")
            return
        }
        #expect(rejected.reason == .tooExpensive)
    }

    @Test func `Order whose quantities overflow is rejected`() throws {
        var reaction = given(route)
        guard case .reject? = try reaction.when(.placed(order([.max, .max]))).first else {
            Issue.record("not rejected")
            return
        }
    }

    @Test func `Route is confirmed and cancelled with its order`() throws {
        var reaction = given(route)
        #expect(
            try reaction.when(.confirmed(OrderConfirmed(order: "o", customer: "a")))
                == [.confirm(order: "o", customer: "a")])
        #expect(
            try reaction.when(.cancelled(OrderCancelled(order: "o", customer: "a")))
                == [.cancel(order: "o", customer: "a")])
    }

    @Test func `No route is planned for an order that has ended`() throws {
        let rejected = OrderRejected(
            order: "o", customer: "a", reason: .cancelledByCustomer, detail: "")
        var reaction = given(route, .rejected(rejected))
        #expect(try reaction.when(.placed(order([1]))) == [])
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
