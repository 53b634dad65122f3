public import Contracts

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
    var owner: String {
        switch self {
        case .order(let event): event.order
        case .route(let event): event.order
        case .account(let event): event.account
        case .creditLimit(let event): event.customer
        }
    }
}

extension OrderEvent {
    var order: String {
        switch self {
        case .placed(let event): event.order
        case .confirmed(let event): event.order
        case .rejected(let event): event.order
        case .cancelled(let event): event.order
        }
    }
}

extension RouteEvent {
    var order: String {
        switch self {
        case .created(let event): event.order
        case .rejected(let event): event.order
        case .confirmed(let event): event.order
        case .cancelled(let event): event.order
        }
    }

    var step: Step {
        switch self {
        case .created: .routeCreated
        case .rejected: .routeRejected
        case .confirmed: .routeConfirmed
        case .cancelled: .routeCancelled
        }
    }
}

extension AccountEvent {
    var account: String {
        switch self {
        case .opened(let event): event.account
        case .credited(let event): event.account
        case .withdrawn(let event): event.account
        case .reserved(let event): event.account
        case .refused(let event): event.account
        case .released(let event): event.account
        case .captured(let event): event.account
        case .refunded(let event): event.account
        }
    }

    /// The order, and the steps of its saga that the event stands for. Nil if the money moves for
    /// another reason.
    var steps: (order: String, [Step])? {
        switch self {
        case .opened, .credited, .withdrawn: nil
        case .reserved(let event): (event.order, [.fundsReserved])
        case .refused(let event): (event.order, [.fundsRefused])
        case .released(let event): (event.order, [.fundsReleased])
        case .captured(let event): (event.order, [.paymentCaptured])
        case .refunded(let event):
            (
                event.order,
                event.repaid.amount > 0 ? [.paymentRefunded, .creditRefunded] : [.paymentRefunded]
            )
        }
    }

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
        }
    }
}

extension CreditLimitEvent {
    var customer: String {
        switch self {
        case .set(let event): event.customer
        case .reserved(let event): event.customer
        case .denied(let event): event.customer
        case .released(let event): event.customer
        case .drawn(let event): event.customer
        case .restored(let event): event.customer
        case .repaid(let event): event.customer
        }
    }

    /// The order, and the step of its saga that the event stands for. Nil if it concerns no order.
    var step: (order: String, Step)? {
        switch self {
        case .set, .repaid: nil
        case .reserved(let event): (event.order, .creditReserved)
        case .denied(let event): (event.order, .creditDenied)
        case .released(let event): (event.order, .creditReleased)
        case .drawn(let event): (event.order, .creditDrawn)
        case .restored(let event): (event.order, .creditRestored)
        }
    }

    /// The amount that the event moves within the limit.
    var amount: Money? {
        switch self {
        case .set, .denied: nil
        case .reserved(let event): event.amount
        case .released(let event): event.amount
        case .drawn(let event): event.amount
        case .restored(let event): event.amount
        case .repaid(let event): event.amount
        }
    }
}
