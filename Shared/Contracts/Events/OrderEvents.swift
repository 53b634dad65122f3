public import EventSourcing

/// The events of an order, in stream `order-<id>`.
public enum OrderEvent: PublishedPayloadFamily {
    /// The order was placed.
    case placed(OrderPlaced)
    /// The order was confirmed: its route, funds and credit are reserved.
    case confirmed(OrderConfirmed)
    /// The order was rejected.
    case rejected(OrderRejected)
    /// The order was cancelled after it was confirmed.
    case cancelled(OrderCancelled)

    /// The cases by the names of their types.
    public static let cases = PayloadCases([
        .init(OrderEvent.placed), .init(OrderEvent.confirmed), .init(OrderEvent.rejected),
        .init(OrderEvent.cancelled),
    ])

    /// The payload of the event.
    public var payload: any EventPayload {
        switch self {
        case .placed(let payload): payload
        case .confirmed(let payload): payload
        case .rejected(let payload): payload
        case .cancelled(let payload): payload
        }
    }
}

/// A payload of category `order`.
public protocol OrderPayload: EventPayload, ConcernsOrder {
    /// The id of the customer.
    var customer: String { get }
}

extension OrderPayload {
    /// The category `order`.
    public static var category: String { "order" }
    /// The family of all order events.
    public static var family: any PayloadFamily.Type { OrderEvent.self }
    /// The orders service.
    public static var writer: String { "orders" }
    /// The id of the order.
    public var entity: String { order }
    /// The tags of the order and the customer, and of the reversed event if there is one.
    public var tags: [String] { [Tag.order(order), Tag.customer(customer)] + reversalTags }
}

/// An ordered article, with its quantity and price.
public struct OrderItem: Codable, Hashable, Sendable {
    /// The article's number.
    public var sku: String
    /// The number of pieces, at least 1.
    public var quantity: Int
    /// The price of one piece. It may be zero for a gift.
    public var unitPrice: Money

    /// Creates an item.
    public init(sku: String, quantity: Int, unitPrice: Money) {
        self.sku = sku
        self.quantity = quantity
        self.unitPrice = unitPrice
    }
}

/// A customer has placed an order. Its saga begins.
public struct OrderPlaced: OrderPayload {
    /// The name of the event's type in the log.
    public static let type = "OrderPlaced"
    /// How the event is reversed.
    public static let reversal = Reversal.by([OrderRejected.self, OrderCancelled.self])
    /// The id of the order.
    public var order: String
    /// The id of the customer, which is also the id of the customer's account and credit limit.
    public var customer: String
    /// The ordered items, all in one currency.
    public var items: [OrderItem]
    /// The price of all items.
    public var itemsTotal: Money
    /// The hub to ship from. If it is missing, the route service chooses one.
    public var origin: String?
    /// The hub to ship to.
    public var destination: String
    /// The time at which the customer placed the order.
    public var placedAt: Timestamp
    /// The time until which the order must be confirmed. Otherwise it is rejected.
    public var deadline: Timestamp

    /// Creates the event.
    public init(
        order: String, customer: String, items: [OrderItem], itemsTotal: Money, origin: String?,
        destination: String, placedAt: Timestamp, deadline: Timestamp
    ) {
        self.order = order
        self.customer = customer
        self.items = items
        self.itemsTotal = itemsTotal
        self.origin = origin
        self.destination = destination
        self.placedAt = placedAt
        self.deadline = deadline
    }
}

/// The order is confirmed: its route, funds and credit are reserved.
public struct OrderConfirmed: OrderPayload {
    /// The name of the event's type in the log.
    public static let type = "OrderConfirmed"
    /// How the event is reversed.
    public static let reversal = Reversal.by([OrderCancelled.self])
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

/// The order failed. Everything reserved for it is given back.
public struct OrderRejected: OrderPayload {
    /// The name of the event's type in the log.
    public static let type = "OrderRejected"
    /// How the event is reversed.
    public static let reversal = Reversal.none(
        because: "the order has ended; place a new one instead")
    /// The id of the order.
    public var order: String
    /// The id of the customer.
    public var customer: String
    /// Why the order failed.
    public var reason: Reason
    /// The figures behind the reason, for people. May be empty.
    public var detail: String
    /// The reversed event, if this event reverses the placing of the order.
    public var reverses: Reverses?

    /// The reasons why an order fails.
    public enum Reason: String, Codable, CaseIterable, Hashable, Sendable {
        /// A service rejected the order, its deadline passed, or the customer cancelled it before
        /// it was confirmed.
        case routeRejected, fundsRefused, creditDenied, deadlinePassed, cancelledByCustomer
    }

    /// Creates the event.
    public init(
        order: String, customer: String, reason: Reason, detail: String,
        reverses: Reverses? = nil
    ) {
        self.order = order
        self.customer = customer
        self.reason = reason
        self.detail = detail
        self.reverses = reverses
    }
}

/// The customer cancelled a confirmed order. The payment is refunded.
public struct OrderCancelled: OrderPayload {
    /// The name of the event's type in the log.
    public static let type = "OrderCancelled"
    /// How the event is reversed.
    public static let reversal = Reversal.none(
        because: "the order has ended; place a new one instead")
    /// The id of the order.
    public var order: String
    /// The id of the customer.
    public var customer: String
    /// The reversed event, if this event reverses the placing or confirmation of the order.
    public var reverses: Reverses?

    /// Creates the event.
    public init(order: String, customer: String, reverses: Reverses? = nil) {
        self.order = order
        self.customer = customer
        self.reverses = reverses
    }
}
