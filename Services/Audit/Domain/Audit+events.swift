public import Contracts
public import EventSourcing

extension Audit {
    /// An event of one of the suite's categories.
    public enum Event: PayloadFamily, Hashable {
        /// An event of an order.
        case order(OrderEvent)
        /// An event of a route.
        case route(RouteEvent)
        /// An event of an account.
        case account(AccountEvent)
        /// An event of a credit limit.
        case creditLimit(CreditLimitEvent)

        /// How the events are decoded.
        public static let cases = PayloadCases<Event>(
            OrderEvent.cases.wrapped(Event.order) + RouteEvent.cases.wrapped(Event.route)
                + AccountEvent.cases.wrapped(Event.account)
                + CreditLimitEvent.cases.wrapped(Event.creditLimit))
    }
}

extension Audit.Event {
    /// Creates the event without a check of its stream. The audit checks that itself, because it
    /// has a finding of its own for it.
    public init?(type: String, data: ArraySlice<UInt8>, in stream: StreamName) throws {
        try self.init(type: type, data: data)
    }

    private var payload: any EventPayload {
        switch self {
        case .order(let event): event.payload
        case .route(let event): event.payload
        case .account(let event): event.payload
        case .creditLimit(let event): event.payload
        }
    }

    var type: String { Swift.type(of: payload).type }
    var category: String { Swift.type(of: payload).category }
    /// The order that the event concerns, if it concerns one.
    var order: String? { (payload as? any ConcernsOrder)?.order }

    /// The id in the data, which must be the id of the stream.
    var owner: String { payload.entity }

    /// The steps of the order's saga that the event stands for. Empty if it is no part of a saga.
    var steps: [Step] {
        guard let step = Step(ofType: type) else { return [] }
        guard case .account(.refunded(let event)) = self, event.repaid.amount > 0 else {
            return [step]
        }
        return [step, .creditRefunded]
    }
}

extension AccountEvent {
    /// The amounts that the event moves.
    var amounts: [Money] {
        switch self {
        case .opened, .refused: []
        case .credited(let event): [event.amount, event.repaid]
        case .withdrawn(let event): [event.amount]
        case .reserved(let event): [event.total, event.fromBalance, event.shortfall]
        case .released(let event): [event.amount]
        case .captured(let event): [event.total, event.fromBalance, event.fromCredit]
        case .refunded(let event): [event.amount, event.repaid, event.toFunds]
        case .reversalRequested(let event): [event.amount, event.fromBalance, event.shortfall]
        case .reversalRejected(let event): [event.amount]
        case .reversalCompleted(let event): [event.amount, event.fromBalance, event.fromCredit]
        }
    }
}

extension CreditLimitEvent {
    /// The amount that the event moves within the limit.
    var amount: Money? {
        switch self {
        case .set, .denied, .reversalDenied: nil
        case .reserved(let event): event.amount
        case .released(let event): event.amount
        case .drawn(let event): event.amount
        case .restored(let event): event.amount
        case .repaid(let event): event.amount
        case .reversalDrawn(let event): event.amount
        }
    }
}
