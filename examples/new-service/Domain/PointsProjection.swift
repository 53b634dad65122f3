import Contracts
public import EventSourcing

/// How many points each customer has.
public enum PointsProjection: Projection {
    public typealias Event = LoyaltyEvent

    public struct Model: Codable, Sendable {
        public var customers = Table<PointsView>()

        public init() {}
    }

    public static let version = 1

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

/// A customer's points as they are shown.
public struct PointsView: Codable, Hashable, Sendable, Identifiable {
    /// The customer's id.
    public var id: String
    public var points: Int64 = 0
    /// All that were ever earned.
    public var earned: Int64 = 0
}
