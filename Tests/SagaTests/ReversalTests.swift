import AccountDomain
import Contracts
import CreditLimitDomain
import EventSourcing
import EventSourcingTesting
import OrdersDomain
import Testing

private let usd = try! Currency("USD")  // USD is in the currency table.
private func money(_ amount: Int64) -> Money { Money(amount, usd) }
private let id = EventID.random()
private let reverses = Reverses(event: id, reason: "mistaken")

@Suite struct Reversals {
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

    @Test func `Reversal of a credit limit restores the previous one or is rejected`() throws {
        func set(_ limit: Int64, _ reverses: Reverses? = nil) -> CreditLimitEvent {
            .set(CreditLimitSet(customer: "a", limit: money(limit), reverses: reverses))
        }
        let reserved = CreditLimitEvent.reserved(
            CreditReserved(customer: "a", order: "o", amount: money(300)))
        let limit = given(CreditLimit.self, set(100), set(500))
        #expect(try limit.whenReversed(at: 1, id: id) == [set(100, reverses)])
        #expect(throws: CreditLimit.Rejection.setSince("a")) { try limit.whenReversed(at: 0) }
        #expect(throws: CreditLimit.Rejection.noneBefore("a")) {
            try given(CreditLimit.self, set(100)).whenReversed(at: 0)
        }
        #expect(
            throws: CreditLimit.Rejection.belowUse(
                customer: "a", limit: money(100), reserved: money(300), used: money(0))
        ) {
            try given(CreditLimit.self, set(100), set(500), reserved).whenReversed(at: 1)
        }
    }

    @Test func `Reversal rejects a pending order and cancels a confirmed one once`() throws {
        let placed = OrderEvent.placed(
            OrderPlaced(
                order: "o", customer: "a", items: [], itemsTotal: money(0), origin: nil,
                destination: "MEM",
                placedAt: Timestamp(microseconds: 0), deadline: Timestamp(microseconds: 1)))
        let confirmed = OrderEvent.confirmed(OrderConfirmed(order: "o", customer: "a"))
        let cancelled = OrderEvent.cancelled(
            OrderCancelled(order: "o", customer: "a", reverses: reverses))
        #expect(
            try given(Orders.self, placed).whenReversed(at: 0, id: id) == [
                .rejected(
                    OrderRejected(
                        order: "o", customer: "a", reason: .cancelledByCustomer,
                        detail: "mistaken", reverses: reverses))
            ])
        for index in 0...1 {
            #expect(
                try given(Orders.self, placed, confirmed).whenReversed(at: index, id: id)
                    == [cancelled])
            #expect(throws: Orders.Rejection.alreadyCancelled("o")) {
                try given(Orders.self, placed, confirmed, cancelled).whenReversed(at: index)
            }
        }
    }

    @Test func `Reversal has a tag with the id of the reversed event`() {
        #expect(cancelledTags(reverses) == ["order:o", "customer:a", "reverses:\(id)"])
        #expect(cancelledTags(nil) == ["order:o", "customer:a"])
        #expect(withdrawn(1, reverses: reverses).tags == ["account:a", "reverses:\(id)"])
        #expect(withdrawn(1, reverses: reverses).reverses == id)
        #expect(withdrawn(1).reverses == nil)
    }

    private func cancelledTags(_ reverses: Reverses?) -> [String] {
        OrderCancelled(order: "o", customer: "a", reverses: reverses).tags
    }

    @Test func `Rejected reversal says what to do instead`() {
        func obstacle(_ event: some ReversibleEvent, _ service: String) -> String? {
            event.obstacle(toReversalBy: service)
        }
        #expect(obstacle(credited(1), "credit") == nil)
        #expect(
            obstacle(credited(1), "balance") == "credit wrote it: use 'credit reverse'")
        #expect(obstacle(opened, "balance")?.contains("withdraw the money instead") == true)
        let step = RouteEvent.confirmed(RouteConfirmed(order: "o", customer: "a"))
        #expect(obstacle(step, "route")?.contains("'orders cancel o'") == true)
    }
}
