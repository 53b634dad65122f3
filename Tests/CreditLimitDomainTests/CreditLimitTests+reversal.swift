import Contracts
import CreditLimitDomain
import EventSourcing
import EventSourcingTesting
import Testing

private let usd = try! Currency("USD")  // USD is in the currency table.
private func money(_ amount: Int64) -> Money { Money(amount, usd) }
private let id = EventID.random()
private let reverses = Reverses(event: id, reason: "mistaken")

@Suite struct `Credit limit reversals` {
    @Test func `Reversal of a credit limit restores the previous one or is rejected`() throws {
        func set(_ limit: Int64, _ reverses: Reverses? = nil) -> CreditLimitEvent {
            .set(CreditLimitSet(customer: "a", limit: money(limit), reverses: reverses))
        }
        let reserved = CreditLimitEvent.reserved(
            CreditReserved(customer: "a", order: "o", amount: money(300)))
        let limit = given(CreditLimit.self, set(100), set(500))
        #expect(try limit.whenReversed(at: 1, id: id) == [set(100, reverses)])
        #expect(
            throws: DaybookError.rejected(
                "the credit limit of a was set again since; reverse that, or set a limit")
        ) {
            try limit.whenReversed(at: 0)
        }
        #expect(
            throws: DaybookError.rejected(
                "a had no credit limit before; set it to 0 to allow no credit")
        ) {
            try given(CreditLimit.self, set(100)).whenReversed(at: 0)
        }
        #expect(
            throws: DaybookError.rejected(
                "the credit limit of a can't be 1.00 USD: 3.00 USD is reserved and 0.00 USD is used"
            )
        ) {
            try given(CreditLimit.self, set(100), set(500), reserved).whenReversed(at: 1)
        }
    }
}
