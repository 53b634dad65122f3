import BalanceDomain
import Contracts
import CreditDomain
import CreditLimitDomain
import EventSourcing
import OrdersDomain
import RouteDomain
import Testing
import WithdrawDomain

@Suite struct `Read models` {
    @Test func `Balance shows the money of an account and the statement of its movements`() throws {
        var model = BalanceProjection.Model()
        for (index, event) in [
            AccountEvent.opened(AccountOpened(account: "a", currency: .usd, openedAt: time(0))),
            .credited(
                MoneyCredited(account: "a", amount: usd(500), repaid: usd(0), reference: "w")),
            .reserved(
                FundsReserved(
                    account: "a", order: "o", total: usd(700), fromBalance: usd(400),
                    shortfall: usd(300))),
            .refused(
                FundsRefused(account: "a", order: "p", reason: .wrongCurrency, detail: "")),
            .captured(
                PaymentCaptured(
                    account: "a", order: "o", total: usd(700), fromBalance: usd(400),
                    fromCredit: usd(300))),
            .withdrawn(MoneyWithdrawn(account: "a", amount: usd(100), reference: "")),
            .credited(MoneyCredited(account: "a", amount: usd(50), repaid: usd(50), reference: "")),
            .refunded(
                PaymentRefunded(
                    account: "a", order: "o", amount: usd(700), repaid: usd(250),
                    toFunds: usd(450))),
        ].enumerated() {
            BalanceProjection.project(try recorded(event, index + 1), onto: &model)
            let view = try #require(model.accounts["a"])
            #expect(view.balance == view.funds - view.owed)
            #expect(view.free == view.funds - view.held)
        }
        let view = try #require(model.accounts["a"])
        #expect((view.funds, view.held, view.owed) == (450, 0, 0))
        #expect((view.position, view.updatedAt) == (8, time(8)))
        let statement = model.statement.takeChanges()
        #expect(statement.map(\.balanceAfter) == [0, 500, 500, -200, -300, -250, 450])
        #expect(statement.map(\.change) == [0, 500, 0, -700, -100, 50, 700])
        #expect(statement.map(\.heldChange) == [0, 0, 400, -400, 0, 0, 0])
        #expect(statement.map(\.position) == [1, 2, 3, 5, 6, 7, 8])
        #expect(statement[2].order == "o" && statement[1].reference == "w")
    }

    @Test func `Credit limit shows the reserved, used and available credit`() throws {
        var model = CreditLimitProjection.Model()
        var shown: [[Int64]] = []
        for (index, event) in [
            CreditLimitEvent.set(CreditLimitSet(customer: "a", limit: usd(1000))),
            .reserved(CreditReserved(customer: "a", order: "o", amount: usd(300))),
            .reserved(CreditReserved(customer: "a", order: "p", amount: usd(200))),
            .drawn(CreditDrawn(customer: "a", order: "o", amount: usd(300))),
            .released(CreditReleased(customer: "a", order: "p", amount: usd(200))),
            .repaid(CreditRepaid(customer: "a", amount: usd(50))),
            .restored(CreditRestored(customer: "a", order: "o", amount: usd(250))),
        ].enumerated() {
            CreditLimitProjection.project(try recorded(event, index + 1), onto: &model)
            let view = try #require(model.limits["a"])
            shown.append([view.reserved, view.used, view.available])
        }
        #expect(
            shown == [
                [0, 0, 1000], [300, 0, 700], [500, 0, 500], [200, 300, 500], [0, 300, 700],
                [0, 250, 750], [0, 0, 1000],
            ])
    }

    @Test func `Credit limit is not shown before it is set`() throws {
        var model = CreditLimitProjection.Model()
        let reserved = CreditReserved(customer: "a", order: "o", amount: usd(0))
        let event = CreditLimitEvent.reserved(reserved)
        CreditLimitProjection.project(try recorded(event, 1), onto: &model)
        #expect(model.limits["a"] == nil)
        let set = CreditLimitEvent.set(CreditLimitSet(customer: "a", limit: usd(0)))
        CreditLimitProjection.project(try recorded(set, 2), onto: &model)
        #expect(model.limits["a"]?.limit == 0)
    }

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

    @Test func `Every credit and every withdrawal has a line`() throws {
        var credits = CreditProjection.Model()
        let credited = MoneyCredited(
            account: "a", amount: usd(50), repaid: usd(20), reference: "wages")
        CreditProjection.project(try recorded(.credited(credited), 3), onto: &credits)
        #expect(
            credits.credits.takeChanges()
                == [CreditView(credited, position: 3, time: time(3))])
        var withdrawals = WithdrawProjection.Model()
        let withdrawn = MoneyWithdrawn(account: "a", amount: usd(50), reference: "rent")
        WithdrawProjection.project(try recorded(.withdrawn(withdrawn), 4), onto: &withdrawals)
        #expect(
            withdrawals.withdrawals.takeChanges()
                == [WithdrawalView(withdrawn, position: 4, time: time(4))])
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

    /// `event` at `position`, committed at that second.
    private func recorded<Event>(_ event: Event, _ position: Int) throws -> Recorded<Event> {
        Recorded(
            event, position: UInt64(position), stream: try StreamName("test-1"), revision: 0,
            id: .none, time: time(position), correlationID: .none)
    }
}
