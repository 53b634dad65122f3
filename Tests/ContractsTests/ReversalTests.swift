import Contracts
import EventSourcing
import Testing

private let usd = try! Currency("USD")  // USD is in the currency table.
private func money(_ amount: Int64) -> Money { Money(amount, usd) }
private let id = EventID.random()
private let reverses = Reverses(event: id, reason: "mistaken")

@Suite struct `Reversals of events` {
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
        func obstacle(_ event: some PublishedEvent, _ service: String) -> String? {
            event.obstacle(toReversalBy: service)
        }
        #expect(obstacle(credited(1), "credit") == nil)
        #expect(
            obstacle(credited(1), "balance") == "credit wrote it: use 'credit reverse'")
        let requested = AccountEvent.reversalRequested(
            CreditReversalRequested(
                account: "a", request: 1, credit: id, reason: "mistaken", amount: money(2),
                fromBalance: money(1), shortfall: money(1)))
        // Only the end of a reversal has the tag of the reversed event.
        #expect(requested.reverses == nil && requested.tags == ["account:a"])
        #expect(obstacle(requested, "credit")?.contains("follows it") == true)
        #expect(obstacle(opened, "balance")?.contains("withdraw the money instead") == true)
        let step = RouteEvent.confirmed(RouteConfirmed(order: "o", customer: "a"))
        #expect(obstacle(step, "route")?.contains("'orders cancel o'") == true)
    }
}
