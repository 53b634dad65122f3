import BalanceDomain
import Contracts
import EventSourcing
import TestSupport
import Testing

@Suite struct `Balance projection` {
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

    @Test func `Statement shows what a reversal holds, releases and takes`() throws {
        let credit = EventID.random()
        func requested(_ request: Int) -> AccountEvent {
            .reversalRequested(
                CreditReversalRequested(
                    account: "a", request: request, credit: credit, reason: "bounced",
                    amount: usd(500), fromBalance: usd(300), shortfall: usd(200)))
        }
        var model = BalanceProjection.Model()
        for (index, event) in [
            AccountEvent.opened(AccountOpened(account: "a", currency: .usd, openedAt: time(0))),
            .credited(
                MoneyCredited(account: "a", amount: usd(500), repaid: usd(0), reference: "w")),
            .withdrawn(MoneyWithdrawn(account: "a", amount: usd(200), reference: "")),
            requested(1),
            .reversalRejected(
                CreditReversalRejected(
                    account: "a", request: 1, credit: credit, amount: usd(300), detail: "no")),
            requested(2),
            .reversalCompleted(
                CreditReversalCompleted(
                    account: "a", request: 2, amount: usd(500), fromBalance: usd(300),
                    fromCredit: usd(200), reverses: Reverses(event: credit, reason: "bounced"))),
        ].enumerated() {
            BalanceProjection.project(try recorded(event, index + 1), onto: &model)
        }
        let view = try #require(model.accounts["a"])
        #expect((view.funds, view.held, view.owed, view.balance) == (0, 0, 200, -200))
        let entries = model.statement.takeChanges().suffix(4)
        #expect(entries.map(\.kind) == [.reserved, .released, .reserved, .reversed])
        #expect(entries.map(\.change) == [0, 0, 0, -500])
        #expect(entries.map(\.heldChange) == [300, -300, 300, -300])
        let purpose = "reversal: bounced"
        #expect(entries.map(\.reference) == [purpose, "no", purpose, purpose])
    }

    private func usd(_ cents: Int64) -> Money { Money(cents, .usd) }
    private func time(_ second: Int) -> Timestamp { Timestamp(microseconds: 0) + .seconds(second) }
}
