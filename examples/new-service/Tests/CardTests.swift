import Contracts
import EventSourcingTesting
import LoyaltyDomain
import Testing

struct `Loyalty card` {
    @Test func `Card earns one point per whole unit and once per order`() throws {
        let card = given(Card.self)
        let earn = Card.Command.earn(order("o1", Money(1999, .usd)))
        #expect(try card.when(earn).map(\.points) == [19])
        #expect(try card.after(earn).when(earn).isEmpty)
        let yen = Card.Command.earn(order("o2", Money(1999, .jpy)))
        #expect(try card.when(yen).map(\.points) == [1999])
    }

    @Test func `Card redeems no more points than it has`() throws {
        let card = try given(Card.self)
            .after(.earn(order("o1", Money(1000, .usd))))
        #expect(throws: Card.Rejection.self) {
            try card.when(.redeem(RedeemPoints(customer: "ann", points: 11)))
        }
        let spent = try card.after(.redeem(RedeemPoints(customer: "ann", points: 7)))
        #expect(spent.state.points == 3)
        // Redeemed points can't be revoked.
        let revoked = try spent.after(.revoke(customer: "ann", order: "o1"))
        #expect(revoked.state.points == 0)
    }

    @Test func `Reversal takes an order's points back`() throws {
        let card = try given(Card.self).after(.earn(order("o1", Money(1000, .usd))))
        let reversal = try card.whenReversed(at: 0)
        #expect(reversal.map(\.points) == [10] && reversal.first?.reverses != nil)
        #expect(throws: Card.Rejection.self) {
            try card.after(.redeem(RedeemPoints(customer: "ann", points: 1))).whenReversed(at: 1)
        }
    }

    private func order(_ id: String, _ paid: Money) -> EarnPoints {
        EarnPoints(customer: "ann", order: id, paid: paid)
    }
}

extension LoyaltyEvent {
    fileprivate var points: Int64 {
        switch self {
        case .earned(let event): event.points
        case .redeemed(let event): event.points
        case .revoked(let event): event.points
        }
    }
}
