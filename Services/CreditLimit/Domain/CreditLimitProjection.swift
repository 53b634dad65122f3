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
        let amount: Money
        /// How often the event adds its amount to what is reserved and to what is used.
        var (reserved, used): (Int64, Int64) = (0, 0)
        var isSet = false
        switch recorded.event {
        case .set(let event): (amount, isSet) = (event.limit, true)
        case .denied, .reversalDenied: return
        case .reserved(let event): (amount, reserved) = (event.amount, 1)
        case .released(let event): (amount, reserved) = (event.amount, -1)
        case .drawn(let event): (amount, reserved, used) = (event.amount, -1, 1)
        case .restored(let event): (amount, used) = (event.amount, -1)
        case .repaid(let event): (amount, used) = (event.amount, -1)
        case .reversalDrawn(let event): (amount, used) = (event.amount, 1)
        }
        guard isSet || amount.amount != 0 else { return }
        let customer = recorded.event.entity
        var view =
            model.limits[customer] ?? CreditLimitView(id: customer, currency: amount.currency)
        if isSet { (view.currency, view.limit) = (amount.currency, amount.amount) }
        view.reserved.add(reserved * amount.amount)
        view.used.add(used * amount.amount)
        view.available = view.limit.subtracting(view.reserved.adding(view.used))
        model.limits.put(view, after: recorded)
    }
}
