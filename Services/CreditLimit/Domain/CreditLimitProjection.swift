public import Contracts
public import EventSourcing

/// Each customer's credit limit and how much of it is left.
///
/// A customer appears with the first event that sets a limit or moves credit. Orders that need no
/// credit make no row.
public enum CreditLimitProjection: Projection {
    /// The events of credit limits.
    public typealias Event = CreditLimitEvent

    /// The tables of the read model.
    public struct Model: Codable, Sendable {
        /// The credit limits by customer.
        public var limits = Table<CreditLimitView>()

        /// Creates an empty model.
        public init() {}
    }

    /// The version of model and fold.
    public static let version = 1

    /// Applies an event to the customer's row.
    public static func project(_ recorded: Recorded<Event>, onto model: inout Model) {
        switch recorded.event {
        case .set(let event):
            update(event.customer, event.limit, recorded, in: &model) {
                $0.currency = event.limit.currency
                $0.limit = event.limit.amount
            }
        case .denied:
            break
        case .reserved(let event):
            update(event.customer, event.amount, recorded, in: &model) {
                $0.reserved.add(event.amount.amount)
            }
        case .released(let event):
            update(event.customer, event.amount, recorded, in: &model) {
                $0.reserved.subtract(event.amount.amount)
            }
        case .drawn(let event):
            update(event.customer, event.amount, recorded, in: &model) {
                $0.reserved.subtract(event.amount.amount)
                $0.used.add(event.amount.amount)
            }
        case .restored(let event):
            update(event.customer, event.amount, recorded, in: &model) {
                $0.used.subtract(event.amount.amount)
            }
        case .repaid(let event):
            update(event.customer, event.amount, recorded, in: &model) {
                $0.used.subtract(event.amount.amount)
            }
        }
    }

    private static func update(
        _ customer: String, _ amount: Money, _ recorded: Recorded<Event>, in model: inout Model,
        _ change: (inout CreditLimitView) -> Void
    ) {
        var isSet = false
        if case .set = recorded.event { isSet = true }
        guard isSet || amount.amount != 0 else { return }
        var view =
            model.limits[customer]
            ?? CreditLimitView(
                id: customer, currency: amount.currency, position: recorded.position,
                updatedAt: recorded.time)
        change(&view)
        view.available = view.limit.subtracting(view.reserved.adding(view.used))
        view.position = recorded.position
        view.updatedAt = recorded.time
        model.limits[customer] = view
    }
}
