public import EventSourcing

/// What happens to the route of an order, in stream `route-<order>`.
public enum RouteEvent: PublishedPayloadFamily {
    case created(RouteCreated)
    case rejected(RouteRejected)
    case confirmed(RouteConfirmed)
    case cancelled(RouteCancelled)

    public static let cases = PayloadCases([
        .init(RouteEvent.created), .init(RouteEvent.rejected), .init(RouteEvent.confirmed),
        .init(RouteEvent.cancelled),
    ])

    public static let upcasters = Upcasters([.routeCreated1])

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
    var customer: String { get }
}

extension RoutePayload {
    public static var category: String { "route" }
    public static var family: any PayloadFamily.Type { RouteEvent.self }
    public static var writer: String { "route" }
    public var tags: [String] { [Tag.order(order), Tag.customer(customer)] }
}

/// One stretch of a route, from hub to hub without a change.
public struct RouteLeg: Codable, Hashable, Sendable {
    public var from: String
    public var to: String
    /// How long it is, in whole metres.
    public var meters: Int
    public var departsAt: Timestamp
    public var arrivesAt: Timestamp
    public var cost: Money

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

/// The order can be sent, along these legs and for this price.
public struct RouteCreated: RoutePayload {
    public static let type = "RouteCreated.2"
    public static let reversal = Reversal.withItsOrder([RouteCancelled.self])
    public var order: String
    /// Whose account is to pay the total.
    public var customer: String
    public var origin: String
    public var destination: String
    public var legs: [RouteLeg]
    public var itemsTotal: Money
    public var shipping: Money
    /// Items and shipping: what the customer pays.
    public var total: Money
    public var arrivesAt: Timestamp

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

/// The order can't be sent.
public struct RouteRejected: RoutePayload {
    public static let type = "RouteRejected"
    public static let reversal = Reversal.none(because: "nothing was planned that could be undone")
    public var order: String
    public var customer: String
    public var reason: Reason
    /// The hubs and figures behind the reason, for people.
    public var detail: String

    public enum Reason: String, Codable, CaseIterable, Hashable, Sendable {
        case unknownHub, unreachable, tooLate, tooExpensive
    }

    public init(order: String, customer: String, reason: Reason, detail: String) {
        self.order = order
        self.customer = customer
        self.reason = reason
        self.detail = detail
    }
}

/// The order is confirmed: it will go this way.
public struct RouteConfirmed: RoutePayload {
    public static let type = "RouteConfirmed"
    public static let reversal = Reversal.withItsOrder([RouteCancelled.self])
    public var order: String
    public var customer: String

    public init(order: String, customer: String) {
        self.order = order
        self.customer = customer
    }
}

/// The order was rejected or cancelled: nothing will go this way.
public struct RouteCancelled: RoutePayload {
    public static let type = "RouteCancelled"
    public static let reversal = Reversal.none(
        because: "its order has ended; a new order gets a route of its own")
    public var order: String
    public var customer: String

    public init(order: String, customer: String) {
        self.order = order
        self.customer = customer
    }
}
