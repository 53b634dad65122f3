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
