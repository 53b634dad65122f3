public import EventSourcing

/// Place an order. Everything is checked at once but the route, the funds and the credit, which the
/// saga sees to.
public struct PlaceOrder: Codable, Hashable, Sendable {
    /// The name of the call that carries it.
    public static let name = "PlaceOrder"

    /// Chosen by the caller, so that a repeated command places no second order.
    public var order: String
    public var customer: String
    public var items: [OrderItem]
    /// The hub to send it from; nil for the route service's own.
    public var origin: String?
    public var destination: String
    /// May lie in the past: orders are also entered after the fact.
    public var placedAt: Timestamp
    /// When to give up; by the clock, not from `placedAt`.
    public var deadline: Timestamp

    public init(
        order: String, customer: String, items: [OrderItem], origin: String? = nil,
        destination: String, placedAt: Timestamp, deadline: Timestamp
    ) {
        self.order = order
        self.customer = customer
        self.items = items
        self.origin = origin
        self.destination = destination
        self.placedAt = placedAt
        self.deadline = deadline
    }
}

/// Cancel an order, pending or confirmed.
public struct CancelOrder: Codable, Hashable, Sendable {
    /// The name of the call that carries it.
    public static let name = "CancelOrder"

    public var order: String

    public init(order: String) { self.order = order }
}
