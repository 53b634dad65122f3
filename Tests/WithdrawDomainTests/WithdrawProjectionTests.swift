import Contracts
import EventSourcing
import TestSupport
import Testing
import WithdrawDomain

@Suite struct `Withdraw projection` {
    @Test func `Every withdrawal has a line`() throws {
        var withdrawals = WithdrawProjection.Model()
        let withdrawn = MoneyWithdrawn(account: "a", amount: usd(50), reference: "rent")
        WithdrawProjection.project(try recorded(.withdrawn(withdrawn), 4), onto: &withdrawals)
        #expect(
            withdrawals.withdrawals.takeChanges()
                == [WithdrawalView(withdrawn, position: 4, time: time(4))])
    }

    private func usd(_ cents: Int64) -> Money { Money(cents, .usd) }
    private func time(_ second: Int) -> Timestamp { Timestamp(microseconds: 0) + .seconds(second) }
}
