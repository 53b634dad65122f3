public import EventSourcing

/// An order as it is shown. Amounts are minor units of `currency`.
public struct OrderView: Codable, Hashable, Sendable, Identifiable {
    /// The order's id.
    public var id: String
    public var customer: String
    public var status: Status
    public var currency: Currency
    public var items: [OrderItem]
    public var itemsTotal: Int64
    /// Known once there is a route; so is `total`.
    public var shipping: Int64?
    public var total: Int64?
    /// Known once funds are reserved; so is `fromCredit`.
    public var fromBalance: Int64?
    public var fromCredit: Int64?
    public var origin: String?
    public var destination: String
    public var placedAt: Timestamp
    public var deadline: Timestamp
    public var arrivesAt: Timestamp?
    /// When it was confirmed, rejected or cancelled, whichever came last.
    public var endedAt: Timestamp?
    public var reason: OrderRejected.Reason?
    public var detail: String?
    /// The last event in it, and when that was committed.
    public var position: UInt64
    public var updatedAt: Timestamp

    public enum Status: String, Codable, Hashable, Sendable {
        case pending, confirmed, rejected, cancelled
    }

    /// An order just placed.
    public init(_ placed: OrderPlaced, position: UInt64, updatedAt: Timestamp) {
        id = placed.order
        customer = placed.customer
        status = .pending
        currency = placed.itemsTotal.currency
        items = placed.items
        itemsTotal = placed.itemsTotal.amount
        origin = placed.origin
        destination = placed.destination
        placedAt = placed.placedAt
        deadline = placed.deadline
        self.position = position
        self.updatedAt = updatedAt
    }
}

/// A customer's orders, in the order in which they were placed.
public struct CustomerOrdersView: Codable, Hashable, Sendable, Identifiable {
    /// The customer's id.
    public var id: String
    public var orders: [String]
    /// The last event in it, and when that was committed.
    public var position: UInt64
    public var updatedAt: Timestamp

    public init(id: String, orders: [String], position: UInt64, updatedAt: Timestamp) {
        self.id = id
        self.orders = orders
        self.position = position
        self.updatedAt = updatedAt
    }
}
