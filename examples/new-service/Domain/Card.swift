public import Contracts
public import EventSourcing

/// A customer's points.
public enum Card: Aggregate {
    public typealias Event = LoyaltyEvent

    public enum Command: Hashable, Sendable {
        case redeem(RedeemPoints)
        /// Nothing to do for an order that has earned its points already.
        case earn(customer: String, order: String, paid: Money)
        /// Take back what the order has earned, as far as it is not redeemed.
        case revoke(customer: String, order: String)
    }

    public struct State: Codable, Hashable, Sendable {
        public var points: Int64 = 0
        /// By order, what it has earned.
        public var earned: [String: Int64] = [:]
    }

    public struct Rejection: Error, Hashable, CustomStringConvertible {
        public let description: String
    }

    public static let category = "loyalty"
    public static let initial = State()

    public static func id(of command: Command) -> String {
        switch command {
        case .redeem(let command): command.customer
        case .earn(let customer, _, _), .revoke(let customer, _): customer
        }
    }

    public static func decide(
        _ command: Command, given state: State
    ) throws(Rejection) -> [LoyaltyEvent] {
        switch command {
        case .redeem(let command):
            let (customer, points) = (command.customer, command.points)
            guard points > 0, points <= state.points else {
                throw Rejection(
                    description: "\(customer) can redeem 1 to \(state.points) points, not \(points)"
                )
            }
            return [.redeemed(PointsRedeemed(customer: customer, points: points))]
        case .earn(let customer, let order, let paid):
            let points = (0..<paid.currency.exponent).reduce(paid.amount) { units, _ in units / 10 }
            guard points > 0, state.earned[order] == nil else { return [] }
            return [.earned(PointsEarned(customer: customer, order: order, points: points))]
        case .revoke(let customer, let order):
            guard let earned = state.earned[order] else { return [] }
            let points = min(earned, state.points)
            return [.revoked(PointsRevoked(customer: customer, order: order, points: points))]
        }
    }

    public static func evolve(_ state: inout State, with event: LoyaltyEvent) {
        switch event {
        case .earned(let event):
            state.points.add(event.points)
            state.earned[event.order] = event.points
        case .redeemed(let event):
            state.points.subtract(event.points)
        case .revoked(let event):
            state.points.subtract(event.points)
            state.earned[event.order] = nil
        }
    }

    /// For `show --without`: a past in which more is redeemed than earned is none.
    public static func objection(to event: LoyaltyEvent, given state: State) -> String? {
        guard case .redeemed(let event) = event, event.points > state.points else { return nil }
        return "\(state.points) points are left, less than \(event.points)"
    }
}
