/// A step in the saga of an order: an event that others must act on, or that shows that they have.
///
/// The raw value is the name of the event's type, without its version.
enum Step: String, Hashable, Sendable {
    case placed = "OrderPlaced"
    case confirmed = "OrderConfirmed"
    case rejected = "OrderRejected"
    case cancelled = "OrderCancelled"
    case routeCreated = "RouteCreated"
    case routeRejected = "RouteRejected"
    case routeConfirmed = "RouteConfirmed"
    case routeCancelled = "RouteCancelled"
    case fundsReserved = "FundsReserved"
    case fundsRefused = "FundsRefused"
    case fundsReleased = "FundsReleased"
    case paymentCaptured = "PaymentCaptured"
    case paymentRefunded = "PaymentRefunded"
    /// A refund that repaid credit. It is the same event as `paymentRefunded`.
    case creditRefunded
    case creditReserved = "CreditReserved"
    case creditDenied = "CreditDenied"
    case creditReleased = "CreditReleased"
    case creditDrawn = "CreditDrawn"
    case creditRestored = "CreditRestored"

    /// The step of an event of this type, or nil if the type is no part of a saga.
    init?(ofType type: String) {
        self.init(rawValue: String(type.prefix { $0 != "." }))
    }

    /// The type of the step's event.
    var type: String { (self == .creditRefunded ? .paymentRefunded : self).rawValue }

    /// The earlier step that this one makes necessary again: funds that are reserved again must be
    /// released again.
    var reopens: Step? {
        switch self {
        case .fundsReserved: .fundsReleased
        case .creditReserved: .creditReleased
        default: nil
        }
    }
}

/// A rule of the saga: after one step, a participant appends another.
struct Consequence: Sendable {
    let participant: String
    let trigger: Step
    /// The rule holds only if this step has happened, too.
    let condition: Step?
    /// The rule does not hold if this step has happened.
    let exception: Step?
    /// Any of these fulfils the rule. The first is the usual one.
    let outcomes: [Step]

    private init(
        _ participant: String, after trigger: Step, if condition: Step? = nil,
        unless exception: Step? = nil, appends outcomes: Step...
    ) {
        self.participant = participant
        self.trigger = trigger
        self.condition = condition
        self.exception = exception
        self.outcomes = outcomes
    }

    /// The rules for the end of an order.
    static let ofEnds: [Consequence] = [
        .init("balance", after: .confirmed, if: .fundsReserved, appends: .paymentCaptured),
        .init(
            "route", after: .confirmed, if: .routeCreated, unless: .cancelled,
            appends: .routeConfirmed, .routeCancelled),
        .init("creditLimit", after: .paymentCaptured, if: .creditReserved, appends: .creditDrawn),
        .init("route", after: .rejected, if: .routeCreated, appends: .routeCancelled),
        .init("balance", after: .rejected, if: .fundsReserved, appends: .fundsReleased),
        .init("creditLimit", after: .rejected, if: .creditReserved, appends: .creditReleased),
        .init("balance", after: .cancelled, if: .fundsReserved, appends: .paymentRefunded),
        .init("route", after: .cancelled, if: .routeCreated, appends: .routeCancelled),
        .init("creditLimit", after: .creditRefunded, appends: .creditRestored),
    ]

    /// The rules that lead an order to its end. The last one whose trigger has happened shows what
    /// the order waits for.
    static let ofPendingOrders: [Consequence] = [
        .init("route", after: .placed, appends: .routeCreated, .routeRejected),
        .init("balance", after: .routeCreated, appends: .fundsReserved, .fundsRefused),
        .init("creditLimit", after: .fundsReserved, appends: .creditReserved, .creditDenied),
        .init("orders", after: .routeRejected, appends: .rejected),
        .init("orders", after: .fundsRefused, appends: .rejected),
        .init("orders", after: .creditDenied, appends: .rejected),
        .init("orders", after: .creditReserved, appends: .confirmed, .rejected),
    ]
}
