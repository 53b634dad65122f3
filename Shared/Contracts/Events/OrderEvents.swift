public import EventSourcing

/// What happens to an order, in stream `order-<id>`.
public enum OrderEvent: PublishedPayloadFamily {
    case placed(OrderPlaced)
    case confirmed(OrderConfirmed)
    case rejected(OrderRejected)
    case cancelled(OrderCancelled)

    public static let cases = PayloadCases([
        .init(OrderEvent.placed), .init(OrderEvent.confirmed), .init(OrderEvent.rejected),
        .init(OrderEvent.cancelled),
    ])

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
    var customer: String { get }
}

extension OrderPayload {
    public static var category: String { "order" }
    public static var family: any PayloadFamily.Type { OrderEvent.self }
    public static var writer: String { "orders" }
    public var tags: [String] { [Tag.order(order), Tag.customer(customer)] }
}

extension OrderPayload where Self: Reversing {
    public var tags: [String] {
        [Tag.order(order), Tag.customer(customer)] + (reverses.map { [$0.tag] } ?? [])
    }
}

/// So many of a thing at so much each.
public struct OrderItem: Codable, Hashable, Sendable {
    public var sku: String
    /// At least 1.
    public var quantity: Int
    /// May be zero: a gift.
    public var unitPrice: Money

    public init(sku: String, quantity: Int, unitPrice: Money) {
        self.sku = sku
        self.quantity = quantity
        self.unitPrice = unitPrice
    }
}

/// A customer has placed an order: its saga begins.
public struct OrderPlaced: OrderPayload {
    public static let type = "OrderPlaced"
    public static let reversal = Reversal.by([OrderRejected.self, OrderCancelled.self])
    public var order: String
    /// Also the id of the customer's account and credit limit.
    public var customer: String
    public var items: [OrderItem]
    /// The sum of the items, in their one currency.
    public var itemsTotal: Money
    /// The hub it is sent from; nil leaves it to the route service.
    public var origin: String?
    /// The hub it goes to.
    public var destination: String
    public var placedAt: Timestamp
    /// If it is not confirmed by then, it is rejected.
    public var deadline: Timestamp

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

/// Route, funds and credit are reserved: the order stands.
public struct OrderConfirmed: OrderPayload {
    public static let type = "OrderConfirmed"
    public static let reversal = Reversal.by([OrderCancelled.self])
    public var order: String
    public var customer: String

    public init(order: String, customer: String) {
        self.order = order
        self.customer = customer
    }
}

/// The order has failed: whatever was reserved for it is given back.
public struct OrderRejected: OrderPayload, Reversing {
    public static let type = "OrderRejected"
    public static let reversal = Reversal.none(
        because: "the order has ended; whoever still wants it places a new one")
    public var order: String
    public var customer: String
    public var reason: Reason
    /// The figures behind the reason, for people; may be empty.
    public var detail: String
    /// If its placing was undone: which event that was.
    public var reverses: Reverses?

    public enum Reason: String, Codable, CaseIterable, Hashable, Sendable {
        case routeRejected, fundsRefused, creditDenied, deadlinePassed, cancelledByCustomer
    }

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

/// The customer has cancelled a confirmed order: what was paid is refunded.
public struct OrderCancelled: OrderPayload, Reversing {
    public static let type = "OrderCancelled"
    public static let reversal = Reversal.none(
        because: "the order has ended; whoever wants it again places a new one")
    public var order: String
    public var customer: String
    /// If its placing or confirmation was undone: which event that was.
    public var reverses: Reverses?

    public init(order: String, customer: String, reverses: Reverses? = nil) {
        self.order = order
        self.customer = customer
        self.reverses = reverses
    }
}
