public import Contracts
public import EventSourcing

/// A customer's points, the aggregate of the service.
public enum Card: Aggregate {
    /// The events of a card's stream.
    public typealias Event = LoyaltyEvent

    /// The commands that callers and the saga send to a card.
    public enum Command: Hashable, Sendable {
        /// Earns points for a paid order. Does nothing if the order has earned its points already.
        case earn(EarnPoints)
        /// Redeems points.
        case redeem(RedeemPoints)
        /// Takes back the points that the order has earned, as far as they are not redeemed.
        case revoke(customer: String, order: String, reversing: Reverses? = nil)
    }

    /// The state of a card, folded from its events.
    public struct State: Codable, Hashable, Sendable {
        /// The points that can be redeemed.
        public var points: Int64 = 0
        /// The points that each order has earned.
        public var earned: [String: Int64] = [:]
    }

    /// The category of the streams `loyalty-<customer>`.
    public static let category = "loyalty"
    /// The state of a customer without points.
    public static let initial = State()

    /// Returns the id of the command's customer.
    public static func id(of command: Command) -> String {
        switch command {
        case .earn(let command): command.customer
        case .redeem(let command): command.customer
        case .revoke(let customer, _, _): customer
        }
    }

    /// Returns the events that `command` leads to, or none if there is nothing to do.
    ///
    /// - Throws: a rejection if there are too few points to redeem.
    public static func decide(
        _ command: Command, given state: State
    ) throws(DaybookError) -> [LoyaltyEvent] {
        switch command {
        case .earn(let command):
            let (customer, paid) = (command.customer, command.paid)
            let points = (0..<paid.currency.exponent).reduce(paid.amount) { units, _ in units / 10 }
            guard points > 0, state.earned[command.order] == nil else { return [] }
            return [.earned(PointsEarned(customer: customer, order: command.order, points: points))]
        case .redeem(let command):
            let (customer, points) = (command.customer, command.points)
            guard points > 0, points <= state.points else {
                throw .rejected("\(customer) can redeem 1 to \(state.points) points, not \(points)")
            }
            return [.redeemed(PointsRedeemed(customer: customer, points: points))]
        case .revoke(let customer, let order, let reversal):
            guard let earned = state.earned[order] else { return [] }
            let points = min(earned, state.points)
            return [
                .revoked(
                    PointsRevoked(
                        customer: customer, order: order, points: points, reverses: reversal))
            ]
        }
    }

    /// Applies `event` to the state.
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

    /// Returns why `event` can't happen in `state`, or nil if it can.
    ///
    /// `show --without` uses it to detect a past in which more points are redeemed than earned.
    public static func objection(to event: LoyaltyEvent, given state: State) -> String? {
        guard case .redeemed(let event) = event, event.points > state.points else { return nil }
        return "\(state.points) points are left, less than \(event.points)"
    }
}

extension Card: Reversible {
    /// Returns the command that takes back the points that an event gave.
    ///
    /// - Throws: a rejection for any other event.
    public static func reversal(of past: PastDecision<Card>) throws(DaybookError) -> Command {
        guard case .earned(let event) = past.event else {
            throw .rejected("nothing undoes \(past.event.type)")
        }
        return .revoke(
            customer: event.customer, order: event.order,
            reversing: Reverses(event: past.id, reason: past.reason))
    }
}
