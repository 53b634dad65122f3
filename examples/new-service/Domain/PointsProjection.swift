import Contracts
public import EventSourcing

/// The points of each customer.
public enum PointsProjection: Projection {
    /// The events that change points.
    public typealias Event = LoyaltyEvent

    /// The tables of the read model.
    public struct Model: Codable, Sendable {
        /// The points by customer.
        public var customers = Table<PointsView>()

        /// Creates an empty model.
        public init() {}
    }

    /// The version of the model and the fold. Raise it when either changes.
    public static let version = 1

    /// Applies an event to the customer's row.
    public static func project(_ recorded: Recorded<Event>, onto model: inout Model) {
        switch recorded.event {
        case .earned(let event):
            let empty = PointsView(id: event.customer)
            model.customers[event.customer, default: empty].points.add(event.points)
            model.customers[event.customer]?.earned.add(event.points)
        case .redeemed(let event):
            model.customers[event.customer]?.points.subtract(event.points)
        case .revoked(let event):
            model.customers[event.customer]?.points.subtract(event.points)
        }
    }
}

/// A customer's points, as the service shows them.
public struct PointsView: Codable, Hashable, Sendable, Identifiable {
    /// The customer's id.
    public var id: String
    /// The points that can be redeemed.
    public var points: Int64 = 0
    /// All points ever earned.
    public var earned: Int64 = 0
}
