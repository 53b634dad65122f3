public import EventSourcing

/// The events of an order's route, in stream `route-<order>`.
public enum RouteEvent: PublishedPayloadFamily {
    /// A route was planned for the order.
    case created(RouteCreated)
    /// No route was found for the order.
    case rejected(RouteRejected)
    /// The order was confirmed, and so was its route.
    case confirmed(RouteConfirmed)
    /// The order failed or was cancelled, and so was its route.
    case cancelled(RouteCancelled)

    /// The cases by the names of their types.
    public static let cases = PayloadCases([
        .init(RouteEvent.created), .init(RouteEvent.rejected), .init(RouteEvent.confirmed),
        .init(RouteEvent.cancelled),
    ])

    /// The upcasters of older route events.
    public static let upcasters = Upcasters([.routeCreated1])

    /// The payload of the event.
    public var payload: any EventPayload {
        switch self {
        case .created(let payload): payload
        case .rejected(let payload): payload
        case .confirmed(let payload): payload
        case .cancelled(let payload): payload
        }
    }
}

/// A payload of category `route`.
public protocol RoutePayload: EventPayload, ConcernsOrder {
    /// The id of the customer.
    var customer: String { get }
}

extension RoutePayload {
    /// The category `route`.
    public static var category: String { "route" }
    /// The family of all route events.
    public static var family: any PayloadFamily.Type { RouteEvent.self }
    /// The route service.
    public static var writer: String { "route" }
    /// The id of the order.
    public var entity: String { order }
    /// The tags of the order and the customer.
    public var tags: [String] { [Tag.order(order), Tag.customer(customer)] }
}

/// A leg of a route, from hub to hub without a change.
public struct RouteLeg: Codable, Hashable, Sendable {
    /// The hub where the leg begins.
    public var from: String
    /// The hub where the leg ends.
    public var to: String
    /// The length of the leg, in whole metres.
    public var meters: Int
    /// The time of departure.
    public var departsAt: Timestamp
    /// The time of arrival.
    public var arrivesAt: Timestamp
    /// The price of the leg.
    public var cost: Money

    /// Creates a leg.
    public init(
        from: String, to: String, meters: Int, departsAt: Timestamp, arrivesAt: Timestamp,
        cost: Money
    ) {
        self.from = from
        self.to = to
        self.meters = meters
        self.departsAt = departsAt
        self.arrivesAt = arrivesAt
        self.cost = cost
    }
}

/// The order can be shipped along these legs, for this price.
public struct RouteCreated: RoutePayload {
    /// The name of the event's type in the log.
    public static let type = "RouteCreated.2"
    /// How the event is reversed.
    public static let reversal = Reversal.withItsOrder([RouteCancelled.self])
    /// The id of the order.
    public var order: String
    /// The customer, whose account pays the total.
    public var customer: String
    /// The hub that the order is shipped from.
    public var origin: String
    /// The hub that the order is shipped to.
    public var destination: String
    /// The legs of the route, in order.
    public var legs: [RouteLeg]
    /// The price of the items.
    public var itemsTotal: Money
    /// The price of the shipping.
    public var shipping: Money
    /// The price of items and shipping, which the customer pays.
    public var total: Money
    /// The time of arrival at the destination.
    public var arrivesAt: Timestamp

    /// Creates the event.
    public init(
        order: String, customer: String, origin: String, destination: String, legs: [RouteLeg],
        itemsTotal: Money, shipping: Money, total: Money, arrivesAt: Timestamp
    ) {
        self.order = order
        self.customer = customer
        self.origin = origin
        self.destination = destination
        self.legs = legs
        self.itemsTotal = itemsTotal
        self.shipping = shipping
        self.total = total
        self.arrivesAt = arrivesAt
    }
}

/// The order can't be shipped.
public struct RouteRejected: RoutePayload {
    /// The name of the event's type in the log.
    public static let type = "RouteRejected"
    /// How the event is reversed.
    public static let reversal = Reversal.none(because: "no route was planned")
    /// The id of the order.
    public var order: String
    /// The id of the customer.
    public var customer: String
    /// Why the order can't be shipped.
    public var reason: Reason
    /// The hubs and figures behind the reason, for people.
    public var detail: String

    /// The reasons why an order can't be shipped.
    public enum Reason: String, Codable, CaseIterable, Hashable, Sendable {
        /// A hub is unknown, no route leads to the destination, the arrival is too late, or the
        /// price is out of range.
        case unknownHub, unreachable, tooLate, tooExpensive
        /// Shipping has no prices in the currency of the order.
        case currencyNotServed
    }

    /// Creates the event.
    public init(order: String, customer: String, reason: Reason, detail: String) {
        self.order = order
        self.customer = customer
        self.reason = reason
        self.detail = detail
    }
}

/// The order is confirmed and will be shipped along its route.
public struct RouteConfirmed: RoutePayload {
    /// The name of the event's type in the log.
    public static let type = "RouteConfirmed"
    /// How the event is reversed.
    public static let reversal = Reversal.withItsOrder([RouteCancelled.self])
    /// The id of the order.
    public var order: String
    /// The id of the customer.
    public var customer: String

    /// Creates the event.
    public init(order: String, customer: String) {
        self.order = order
        self.customer = customer
    }
}

/// The order was rejected or cancelled and is not shipped.
public struct RouteCancelled: RoutePayload {
    /// The name of the event's type in the log.
    public static let type = "RouteCancelled"
    /// How the event is reversed.
    public static let reversal = Reversal.none(
        because: "its order has ended; a new order gets a route of its own")
    /// The id of the order.
    public var order: String
    /// The id of the customer.
    public var customer: String

    /// Creates the event.
    public init(order: String, customer: String) {
        self.order = order
        self.customer = customer
    }
}
