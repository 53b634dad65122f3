public import EventSourcing

/// The route of an order as it is shown. Amounts are minor units of `currency`.
public struct RouteView: Codable, Hashable, Sendable, Identifiable {
    /// The order's id.
    public var id: String
    public var customer: String
    public var status: Status
    /// Empty, as is all that follows up to `arrivesAt`, if the route was rejected.
    public var legs: [RouteLeg] = []
    public var origin: String?
    public var destination: String?
    public var currency: Currency?
    public var shipping: Int64?
    public var total: Int64?
    public var arrivesAt: Timestamp?
    public var reason: RouteRejected.Reason?
    public var detail: String?
    /// The last event in it, and when that was committed.
    public var position: UInt64
    public var updatedAt: Timestamp

    public enum Status: String, Codable, Hashable, Sendable {
        case planned, confirmed, rejected, cancelled
    }

    public init(
        id: String, customer: String, status: Status, position: UInt64, updatedAt: Timestamp
    ) {
        self.id = id
        self.customer = customer
        self.status = status
        self.position = position
        self.updatedAt = updatedAt
    }
}
