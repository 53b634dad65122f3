public import LoyaltyDomain
public import ServiceRuntime

extension LoyaltyService {
    /// A customer's points, which depend on the events of one stream only.
    static let entity = ServiceQuery<Self, String, PointsView>(
        "points", in: \.customers, orReject: { "\($0) has never earned a point" })
}

extension PointsView: FieldView {
    /// The points to redeem, and all that were ever earned.
    public var fields: [(name: String, value: String?)] {
        [("points", "\(points)"), ("earned", "\(earned)")]
    }
}
