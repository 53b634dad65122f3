public import EventSourcing

/// Places an order.
///
/// The orders service checks everything but the route, the funds and the credit, which the saga
/// reserves.
public struct PlaceOrder: Codable, Hashable, Sendable {
    /// The name of the call that carries the command.
    public static let name = "PlaceOrder"

    /// The id of the order.
    ///
    /// The caller chooses it, so that a repeated command places no second order.
    public var order: String
    /// The id of the customer.
    public var customer: String
    /// The items to order, all in one currency.
    public var items: [OrderItem]
    /// The hub to ship from, or nil to let the route service choose.
    public var origin: String?
    /// The hub to ship to.
    public var destination: String
    /// The time at which the customer placed the order. It may be in the past, for orders entered
    /// later.
    public var placedAt: Timestamp
    /// The time at which the order is rejected if it is not confirmed, by the clock and not
    /// relative to `placedAt`.
    public var deadline: Timestamp

    /// Creates the command.
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

extension PlaceOrder: ClockedCommand {
    /// The command without the time of placing and the deadline, which is counted from a clock.
    public var withoutTimes: PlaceOrder {
        var command = self
        (command.placedAt, command.deadline) = (.earliest, .earliest)
        return command
    }
}

/// Cancels a pending or confirmed order.
public struct CancelOrder: Codable, Hashable, Sendable {
    /// The name of the call that carries the command.
    public static let name = "CancelOrder"

    /// The id of the order.
    public var order: String

    /// Creates the command.
    public init(order: String) { self.order = order }
}
