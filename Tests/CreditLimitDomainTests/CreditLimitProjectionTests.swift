import Contracts
import CreditLimitDomain
import EventSourcing
import TestSupport
import Testing

@Suite struct `Credit limit projection` {
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
            .reversalDrawn(ReversalCreditDrawn(customer: "a", request: 1, amount: usd(40))),
            .reversalDenied(
                ReversalCreditDenied(
                    customer: "a", request: 2, amount: usd(961), available: usd(960),
                    requiredLimit: usd(1001), reason: .limitExceeded)),
        ].enumerated() {
            CreditLimitProjection.project(try recorded(event, index + 1), onto: &model)
            let view = try #require(model.limits["a"])
            shown.append([view.reserved, view.used, view.available])
        }
        #expect(
            shown == [
                [0, 0, 1000], [300, 0, 700], [500, 0, 500], [200, 300, 500], [0, 300, 700],
                [0, 250, 750], [0, 0, 1000], [0, 40, 960], [0, 40, 960],
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

    private func usd(_ cents: Int64) -> Money { Money(cents, .usd) }
}
