public import EventSourcing

/// An order, for queries. Amounts are in minor units of `currency`.
public struct OrderView: EntityView {
    /// The id of the order.
    public var id: String
    /// The id of the customer.
    public var customer: String
    /// The state of the order.
    public var status: Status
    /// The currency of the order.
    public var currency: Currency
    /// The ordered items.
    public var items: [OrderItem]
    /// The price of all items.
    public var itemsTotal: Int64
    /// The price of the shipping, or nil before there is a route.
    public var shipping: Int64?
    /// The price of items and shipping, or nil before there is a route.
    public var total: Int64?
    /// The part that the account's funds cover, or nil before funds are reserved.
    public var fromBalance: Int64?
    /// The part that credit covers, or nil before funds are reserved.
    public var fromCredit: Int64?
    /// The hub that the order is shipped from, or nil while it is unknown.
    public var origin: String?
    /// The hub that the order is shipped to.
    public var destination: String
    /// The time at which the customer placed the order.
    public var placedAt: Timestamp
    /// The time until which the order must be confirmed.
    public var deadline: Timestamp
    /// The time of arrival, or nil before there is a route.
    public var arrivesAt: Timestamp?
    /// The time at which it was last confirmed, rejected or cancelled, or nil while it is pending.
    public var endedAt: Timestamp?
    /// Why it was rejected, or nil.
    public var reason: OrderRejected.Reason?
    /// The figures behind the reason, or nil.
    public var detail: String?
    /// The position of the last event in this view.
    public var position: UInt64 = 0
    /// The time of that event.
    public var updatedAt = Timestamp.earliest

    /// The state of an order.
    public enum Status: String, Codable, Hashable, Sendable {
        /// Waiting for its saga, confirmed, rejected, or cancelled after it was confirmed.
        case pending, confirmed, rejected, cancelled
    }

    /// Creates the view of an order that was just placed.
    public init(_ placed: OrderPlaced) {
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
    }
}

/// The orders of a customer, in the order in which they were placed.
public struct CustomerOrdersView: EntityView {
    /// The id of the customer.
    public var id: String
    /// The ids of the orders.
    public var orders: [String] = []
    /// The position of the last event in this view.
    public var position: UInt64 = 0
    /// The time of that event.
    public var updatedAt = Timestamp.earliest

    /// Creates the view of a customer without orders.
    public init(id: String) { self.id = id }
}
