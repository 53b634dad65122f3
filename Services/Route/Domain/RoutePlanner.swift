public import Contracts
public import EventSourcing

/// A planner of routes between hubs.
public protocol RoutePlanner: Sendable {
    /// Returns the best plan for the journey.
    ///
    /// - Throws: `RouteRefusal` if no plan exists. Any other error means that the planner can't
    ///   tell now.
    func plan(_ journey: Journey) throws -> RoutePlan
}

/// What to send, from where, to where and when.
public struct Journey: Hashable, Sendable {
    /// The code of the hub at which the journey starts.
    public var origin: String
    /// The code of the hub at which the journey ends.
    public var destination: String
    /// The number of items.
    public var quantity: Int
    /// The currency of the plan's costs.
    public var currency: Currency
    /// The time of departure.
    public var departsAt: Timestamp

    /// Creates a journey.
    public init(
        origin: String, destination: String, quantity: Int, currency: Currency,
        departsAt: Timestamp
    ) {
        self.origin = origin
        self.destination = destination
        self.quantity = quantity
        self.currency = currency
        self.departsAt = departsAt
    }
}

/// A way to make a journey.
public struct RoutePlan: Hashable, Sendable {
    /// The legs in order.
    public var legs: [RouteLeg]
    /// The cost of all legs.
    public var cost: Money
    /// The time of arrival.
    public var arrivesAt: Timestamp

    /// Creates a plan.
    public init(legs: [RouteLeg], cost: Money, arrivesAt: Timestamp) {
        self.legs = legs
        self.cost = cost
        self.arrivesAt = arrivesAt
    }
}

/// Why a journey has no plan.
public struct RouteRefusal: Error, Hashable, CustomStringConvertible {
    /// The reason, as events state it.
    public var reason: RouteRejected.Reason
    /// A message of one line, with the hubs and figures.
    public var description: String

    /// Creates a refusal.
    public init(_ reason: RouteRejected.Reason, _ description: String) {
        self.reason = reason
        self.description = description
    }
}
