import Contracts
import CreditDomain
import EventSourcing
import TestSupport
import Testing

@Suite struct `Credit projection` {
    @Test func `Every credit has a line`() throws {
        var credits = CreditProjection.Model()
        let credited = MoneyCredited(
            account: "a", amount: usd(50), repaid: usd(20), reference: "wages")
        CreditProjection.project(try recorded(.credited(credited), 3), onto: &credits)
        #expect(
            credits.credits.takeChanges()
                == [CreditView(credited, position: 3, time: time(3))])
    }

    private func usd(_ cents: Int64) -> Money { Money(cents, .usd) }
    private func time(_ second: Int) -> Timestamp { Timestamp(microseconds: 0) + .seconds(second) }
}
