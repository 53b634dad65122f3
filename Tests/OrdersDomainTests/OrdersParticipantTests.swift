import Contracts
import EventSourcing
import EventSourcingTesting
import OrdersDomain
import Testing

private let usd = try! Currency("USD")  // USD is in the currency table.
private func money(_ amount: Int64) -> Money { Money(amount, usd) }

@Suite struct `Orders participant` {
    @Test func `Deadline rejects a pending order and leaves a confirmed one unchanged`() {
        let placed = OrderPlaced(
            order: "o", customer: "a", items: [], itemsTotal: money(0), origin: nil,
            destination: "MEM", placedAt: Timestamp(microseconds: 0),
            deadline: Timestamp(microseconds: 7))
        let pending = given(OrdersParticipant(), .placed(placed))
        #expect(OrdersParticipant.deadline(of: pending.state) == Timestamp(microseconds: 7))
        #expect(pending.whenExpired().count == 1)
        let ended = given(
            OrdersParticipant(), .placed(placed),
            .confirmed(OrderConfirmed(order: "o", customer: "a")))
        #expect(OrdersParticipant.deadline(of: ended.state) == nil)
        #expect(ended.whenExpired() == [])
    }
}
