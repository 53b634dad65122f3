public import Contracts
import EventSourcing

/// The events of a customer's points, in stream `loyalty-<customer>`.
public enum LoyaltyEvent: PublishedPayloadFamily {
    /// Points were earned.
    case earned(PointsEarned)
    /// Points were redeemed.
    case redeemed(PointsRedeemed)
    /// Points were taken back.
    case revoked(PointsRevoked)

    /// How the events are decoded.
    public static let cases = PayloadCases([
        .init(LoyaltyEvent.earned), .init(LoyaltyEvent.redeemed), .init(LoyaltyEvent.revoked),
    ])

    /// The data of the event.
    public var payload: any EventPayload {
        switch self {
        case .earned(let payload): payload
        case .redeemed(let payload): payload
        case .revoked(let payload): payload
        }
    }
}

/// The data of an event of category `loyalty`.
public protocol LoyaltyPayload: EventPayload {
    /// The customer whose points change.
    var customer: String { get }
    /// The number of points, not negative.
    var points: Int64 { get }
}

extension LoyaltyPayload {
    /// The category of the events' streams.
    public static var category: String { "loyalty" }
    /// The family that decodes the events.
    public static var family: any PayloadFamily.Type { LoyaltyEvent.self }
    /// The service that appends the events.
    public static var writer: String { "loyalty" }
    /// The customer, whose stream holds the event.
    public var entity: String { customer }
    /// The tags by which the event is found.
    public var tags: [String] { [Tag.customer(customer)] }
}

extension LoyaltyPayload where Self: ConcernsOrder {
    /// The tags by which the event is found: the order's and the customer's.
    public var tags: [String] { [Tag.order(order), Tag.customer(customer)] }
}

/// An order was paid and earned a point for each whole unit of its currency.
public struct PointsEarned: LoyaltyPayload, ConcernsOrder {
    /// The name of the type in the log.
    public static let type = "PointsEarned"
    /// The event that reverses this one.
    public static let reversal = Reversal.by([PointsRevoked.self])
    /// The customer whose points change.
    public var customer: String
    /// The order that was paid.
    public var order: String
    /// The points earned.
    public var points: Int64
}

/// The customer redeemed points.
public struct PointsRedeemed: LoyaltyPayload {
    /// The name of the type in the log.
    public static let type = "PointsRedeemed"
    /// Why nothing reverses this event.
    public static let reversal = Reversal.none(because: "the customer has what the points bought")
    /// The customer whose points change.
    public var customer: String
    /// The points redeemed.
    public var points: Int64
}

/// An order was refunded or its points were given by mistake. Those that were left were taken back.
public struct PointsRevoked: LoyaltyPayload, ConcernsOrder {
    /// The name of the type in the log.
    public static let type = "PointsRevoked"
    /// Why nothing reverses this event.
    public static let reversal = Reversal.none(
        because: "its order has ended; a new order earns its own")
    /// The customer whose points change.
    public var customer: String
    /// The order whose points they were.
    public var order: String
    /// The points taken back.
    public var points: Int64
    /// The event that this one reverses and why, or nil if the order was refunded.
    public var reverses: Reverses?

    /// The tags by which the event is found: the order's, the customer's, and the reversed event's.
    public var tags: [String] {
        [Tag.order(order), Tag.customer(customer)]
            + (reverses.map { [$0.event.reversalTag] } ?? [])
    }
}

/// Earns points for an order that was paid.
public struct EarnPoints: Codable, Hashable, Sendable {
    /// The name of the call that carries it.
    public static let name = "EarnPoints"
    /// The customer who paid.
    public var customer: String
    /// The order that was paid.
    public var order: String
    /// The amount that was paid.
    public var paid: Money

    /// Creates the command.
    public init(customer: String, order: String, paid: Money) {
        self.customer = customer
        self.order = order
        self.paid = paid
    }
}

/// Redeems points of a customer.
public struct RedeemPoints: Codable, Hashable, Sendable {
    /// The name of the call that carries it.
    public static let name = "RedeemPoints"
    /// The customer whose points are redeemed.
    public var customer: String
    /// The number of points, more than zero.
    public var points: Int64

    /// Creates the command.
    public init(customer: String, points: Int64) {
        self.customer = customer
        self.points = points
    }
}
