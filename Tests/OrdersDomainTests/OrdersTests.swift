import Contracts
import EventSourcing
import EventSourcingTesting
import OrdersDomain
import TestSupport
import Testing

private let usd = try! Currency("USD")  // USD is in the currency table.
private func money(_ amount: Int64) -> Money { Money(amount, usd) }

@Suite struct `Order decisions` {
    private let placed = OrderEvent.placed(
        OrderPlaced(
            order: "o", customer: "a",
            items: [OrderItem(sku: "cd", quantity: 2, unitPrice: money(1177))],
            itemsTotal: money(2354), origin: nil, destination: "MEM",
            placedAt: Timestamp(microseconds: 0), deadline: Self.deadline))
    private static let deadline = Timestamp(microseconds: 1)
    private let early = Timestamp(microseconds: 0)

    private func place(_ items: [OrderItem]) -> Orders.Command {
        .place(
            PlaceOrder(
                order: "o", customer: "a", items: items, destination: "MEM",
                placedAt: Timestamp(microseconds: 0), deadline: Timestamp(microseconds: 1)))
    }

    @Test func `Placed order has the total of its items`() throws {
        #expect(
            try given(Orders.self)
                .when(place([OrderItem(sku: "cd", quantity: 2, unitPrice: money(1177))])) == [
                    placed
                ])
    }

    @Test func `Order with invalid items is rejected`() throws {
        let yen = Money(100, try Currency("JPY"))
        for items in [
            [], [OrderItem(sku: "cd", quantity: 0, unitPrice: money(1))],
            [OrderItem(sku: "cd", quantity: 1, unitPrice: money(-1))],
            [OrderItem(sku: "", quantity: 1, unitPrice: money(1))],
            [
                OrderItem(sku: "cd", quantity: 1, unitPrice: money(1)),
                OrderItem(sku: "cd", quantity: 1, unitPrice: yen),
            ],
            [OrderItem(sku: "cd", quantity: .max, unitPrice: money(2))],
        ] {
            #expect(throws: Orders.Rejection.self) { try given(Orders.self).when(place(items)) }
        }
    }

    @Test func `Confirmed order is neither confirmed again nor rejected`() throws {
        let ended = try given(Orders.self, placed).after(.confirm(order: "o", at: early))
        #expect(try ended.when(.confirm(order: "o", at: early)) == [])
        #expect(try ended.when(.reject(order: "o", reason: .deadlinePassed, detail: "")) == [])
    }

    @Test func `Order is confirmed before its deadline and rejected from then on`() throws {
        let pending = given(Orders.self, placed)
        let confirmed = OrderEvent.confirmed(OrderConfirmed(order: "o", customer: "a"))
        #expect(try pending.when(.confirm(order: "o", at: early)) == [confirmed])
        for late in [Self.deadline, Self.deadline + .seconds(1)] {
            let events = try pending.when(.confirm(order: "o", at: late))
            guard case .rejected(let event) = events.first else {
                Issue.record("not rejected at \(late): \(events)")
                continue
            }
            #expect(event.reason == .deadlinePassed && event.order == "o")
            #expect(event.detail.contains("\(Self.deadline)") && event.detail.contains("\(late)"))
        }
    }

    @Test func `Confirmation is rejected without the time of the decision`() {
        let reason = "order o can't be confirmed without the time of the decision"
        #expect(throws: DaybookError.rejected(reason)) {
            try given(Orders.self, placed).when(.confirm(order: "o"))
        }
        #expect(Orders.timed(.cancel(CancelOrder(order: "o")))?(early) == nil)
        #expect(Orders.timed(.confirm(order: "o"))?(early) == .confirm(order: "o", at: early))
    }

    @Test func `Cancellation rejects a pending order and cancels a confirmed one`() throws {
        let pending = given(Orders.self, placed)
        guard case .rejected(let event) = try pending.when(.cancel(CancelOrder(order: "o"))).first
        else {
            Issue.record("not rejected")
            return
        }
        #expect(event.reason == .cancelledByCustomer)
        #expect(
            try pending.after(.confirm(order: "o", at: early)).when(
                .cancel(CancelOrder(order: "o")))
                == [.cancelled(OrderCancelled(order: "o", customer: "a"))])
    }

    @Test func `Order objects to ending before it is placed and to ending twice`() {
        let placed = OrderEvent.placed(
            OrderPlaced(
                order: "o", customer: "a", items: [], itemsTotal: money(1), origin: nil,
                destination: "MEM", placedAt: Timestamp(microseconds: 0),
                deadline: Timestamp(microseconds: 1)))
        let past = [
            placed, .confirmed(OrderConfirmed(order: "o", customer: "a")),
            .cancelled(OrderCancelled(order: "o", customer: "a")),
        ]
        #expect(objections(Orders.self, past, without: 99) == [])
        #expect(objections(Orders.self, past, without: 0) == [1])
        #expect(objections(Orders.self, past, without: 1) == [2])
        #expect(Orders.objection(to: past[1], given: Orders.fold(past)) != nil)
    }
}
