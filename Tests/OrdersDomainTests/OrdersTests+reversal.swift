import Contracts
import EventSourcing
import EventSourcingTesting
import OrdersDomain
import Testing

private let usd = try! Currency("USD")  // USD is in the currency table.
private func money(_ amount: Int64) -> Money { Money(amount, usd) }
private let id = EventID.random()
private let reverses = Reverses(event: id, reason: "mistaken")

@Suite struct `Order reversals` {
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
            #expect(throws: DaybookError.rejected("order o was cancelled already")) {
                try given(Orders.self, placed, confirmed, cancelled).whenReversed(at: index)
            }
        }
    }
}
