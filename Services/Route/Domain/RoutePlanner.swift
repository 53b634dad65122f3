public import Contracts
public import EventSourcing

/// What finds a way from hub to hub.
public protocol RoutePlanner: Sendable {
    /// The best plan for the journey.
    ///
    /// - Throws: `RouteRefusal` if there is none; anything else if that can't be said now.
    func plan(_ journey: Journey) throws -> RoutePlan
}

/// What is to be sent, whence, where to and when.
public struct Journey: Hashable, Sendable {
    public var origin: String
    public var destination: String
    /// How many items are sent.
    public var quantity: Int
    /// The currency that the plan's costs are to be in.
    public var currency: Currency
    public var departsAt: Timestamp

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

/// A way to send a journey: its legs in order, and what they cost together.
public struct RoutePlan: Hashable, Sendable {
    public var legs: [RouteLeg]
    public var cost: Money
    public var arrivesAt: Timestamp

    public init(legs: [RouteLeg], cost: Money, arrivesAt: Timestamp) {
        self.legs = legs
        self.cost = cost
        self.arrivesAt = arrivesAt
    }
}

/// Why a journey has no plan.
public struct RouteRefusal: Error, Hashable, CustomStringConvertible {
    public var reason: RouteRejected.Reason
    /// One line for people, with the hubs and figures.
    public var description: String

    public init(_ reason: RouteRejected.Reason, _ description: String) {
        self.reason = reason
        self.description = description
    }
}
