import EventSourcing
public import LoyaltyDomain
public import ServiceRuntime

extension LoyaltyService {
    /// A customer's points, which depend on the events of one stream only.
    static let entity = ServiceQuery<Self, String, PointsView>(
        "points", of: { .stream(try StreamName(category: Card.category, id: $0)) },
        fromMemory: { model, id in
            guard let view = model.customers[id] else {
                throw DaybookError(.rejected, "\(id) has never earned a point")
            }
            return view
        })
}

extension PointsView: FieldView {
    /// The points to redeem, and all that were ever earned.
    public var fields: [(name: String, value: String?)] {
        [("points", "\(points)"), ("earned", "\(earned)")]
    }
}
