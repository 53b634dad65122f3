public import Contracts

/// What happens to a customer's points, in stream `loyalty-<customer>`.
public enum LoyaltyEvent: PublishedPayloadFamily {
    case earned(PointsEarned)
    case redeemed(PointsRedeemed)
    case revoked(PointsRevoked)

    public static let cases = PayloadCases([
        .init(LoyaltyEvent.earned), .init(LoyaltyEvent.redeemed), .init(LoyaltyEvent.revoked),
    ])

    public var payload: any EventPayload {
        switch self {
        case .earned(let payload): payload
        case .redeemed(let payload): payload
        case .revoked(let payload): payload
        }
    }
}

/// A payload of category `loyalty`.
public protocol LoyaltyPayload: EventPayload {
    var customer: String { get }
    var points: Int64 { get }
}

extension LoyaltyPayload {
    public static var category: String { "loyalty" }
    public static var family: any PayloadFamily.Type { LoyaltyEvent.self }
    public static var writer: String { "loyalty" }
    public var tags: [String] { [Tag.customer(customer)] }
}

extension LoyaltyPayload where Self: ConcernsOrder {
    public var tags: [String] { [Tag.order(order), Tag.customer(customer)] }
}

/// An order was paid, a point for each whole unit of its currency.
public struct PointsEarned: LoyaltyPayload, ConcernsOrder {
    public static let type = "PointsEarned"
    public static let reversal = Reversal.by([PointsRevoked.self])
    public var customer: String
    public var order: String
    public var points: Int64
}

/// The customer has had something for the points.
public struct PointsRedeemed: LoyaltyPayload {
    public static let type = "PointsRedeemed"
    public static let reversal = Reversal.none(because: "what the customer had for them is gone")
    public var customer: String
    public var points: Int64
}

/// The order was refunded: what is left of its points is gone.
public struct PointsRevoked: LoyaltyPayload, ConcernsOrder {
    public static let type = "PointsRevoked"
    public static let reversal = Reversal.none(
        because: "its order has ended; a new order earns its own")
    public var customer: String
    public var order: String
    public var points: Int64
}

/// Redeem points.
public struct RedeemPoints: Codable, Hashable, Sendable {
    /// The name of the call that carries it.
    public static let name = "RedeemPoints"
    public var customer: String
    public var points: Int64

    public init(customer: String, points: Int64) {
        self.customer = customer
        self.points = points
    }
}
