public import EventSourcing

/// The route of an order, for queries. Amounts are in minor units of `currency`.
public struct RouteView: EntityView {
    /// The order's id.
    public var id: String
    /// The id of the customer.
    public var customer: String
    /// The state of the route.
    public var status: Status
    /// The legs of the route, in order.
    ///
    /// The legs and the fields up to `arrivesAt` are empty if the route was rejected.
    public var legs: [RouteLeg] = []
    /// The hub that the order is shipped from.
    public var origin: String?
    /// The hub that the order is shipped to.
    public var destination: String?
    /// The currency of the amounts.
    public var currency: Currency?
    /// The price of the shipping.
    public var shipping: Int64?
    /// The price of items and shipping.
    public var total: Int64?
    /// The time of arrival at the destination.
    public var arrivesAt: Timestamp?
    /// Why the route was rejected, or nil.
    public var reason: RouteRejected.Reason?
    /// The hubs and figures behind the reason, or nil.
    public var detail: String?
    /// The position of the last event in this view.
    public var position: UInt64 = 0
    /// The time of that event.
    public var updatedAt = Timestamp.earliest

    /// The state of a route.
    public enum Status: String, Codable, Hashable, Sendable {
        /// Planned for an open order, confirmed with it, rejected, or cancelled with it.
        case planned, confirmed, rejected, cancelled
    }

    /// Creates a view without legs.
    public init(id: String, customer: String, status: Status) {
        self.id = id
        self.customer = customer
        self.status = status
    }
}
