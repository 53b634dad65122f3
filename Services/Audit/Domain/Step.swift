/// A step in the saga of an order: an event that others must act on, or that shows that they have.
enum Step: UInt8, Hashable, Sendable {
    case placed, confirmed, rejected, cancelled
    case routeCreated, routeRejected, routeConfirmed, routeCancelled
    case fundsReserved, fundsRefused, fundsReleased, paymentCaptured, paymentRefunded
    /// A refund that repaid credit. It is the same event as `paymentRefunded`.
    case creditRefunded
    case creditReserved, creditDenied, creditReleased, creditDrawn, creditRestored

    /// The type of the step's event.
    var type: String {
        switch self {
        case .placed: "OrderPlaced"
        case .confirmed: "OrderConfirmed"
        case .rejected: "OrderRejected"
        case .cancelled: "OrderCancelled"
        case .routeCreated: "RouteCreated"
        case .routeRejected: "RouteRejected"
        case .routeConfirmed: "RouteConfirmed"
        case .routeCancelled: "RouteCancelled"
        case .fundsReserved: "FundsReserved"
        case .fundsRefused: "FundsRefused"
        case .fundsReleased: "FundsReleased"
        case .paymentCaptured: "PaymentCaptured"
        case .paymentRefunded, .creditRefunded: "PaymentRefunded"
        case .creditReserved: "CreditReserved"
        case .creditDenied: "CreditDenied"
        case .creditReleased: "CreditReleased"
        case .creditDrawn: "CreditDrawn"
        case .creditRestored: "CreditRestored"
        }
    }

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
    let trigger: Step
    /// The rule holds only if this step has happened, too.
    var condition: Step?
    /// The rule does not hold if this step has happened.
    var exception: Step?
    let participant: String
    /// Any of these fulfils the rule. The first is the usual one.
    let outcomes: [Step]

    /// The rules for the end of an order.
    static let ofEnds = [
        Consequence(
            trigger: .confirmed, condition: .fundsReserved, participant: "balance",
            outcomes: [.paymentCaptured]),
        Consequence(
            trigger: .confirmed, condition: .routeCreated, exception: .cancelled,
            participant: "route", outcomes: [.routeConfirmed, .routeCancelled]),
        Consequence(
            trigger: .paymentCaptured, condition: .creditReserved, participant: "creditLimit",
            outcomes: [.creditDrawn]),
        Consequence(
            trigger: .rejected, condition: .routeCreated, participant: "route",
            outcomes: [.routeCancelled]),
        Consequence(
            trigger: .rejected, condition: .fundsReserved, participant: "balance",
            outcomes: [.fundsReleased]),
        Consequence(
            trigger: .rejected, condition: .creditReserved, participant: "creditLimit",
            outcomes: [.creditReleased]),
        Consequence(
            trigger: .cancelled, condition: .fundsReserved, participant: "balance",
            outcomes: [.paymentRefunded]),
        Consequence(
            trigger: .cancelled, condition: .routeCreated, participant: "route",
            outcomes: [.routeCancelled]),
        Consequence(
            trigger: .creditRefunded, participant: "creditLimit", outcomes: [.creditRestored]),
    ]

    /// The rules that lead an order to its end. The last one whose trigger has happened shows what
    /// the order waits for.
    static let ofPendingOrders =
        [
            Consequence(
                trigger: .placed, participant: "route", outcomes: [.routeCreated, .routeRejected]),
            Consequence(
                trigger: .routeCreated, participant: "balance",
                outcomes: [.fundsReserved, .fundsRefused]),
            Consequence(
                trigger: .fundsReserved, participant: "creditLimit",
                outcomes: [.creditReserved, .creditDenied]),
        ]
        + [Step.routeRejected, .fundsRefused, .creditDenied, .creditReserved].map {
            Consequence(
                trigger: $0, participant: "orders",
                outcomes: $0 == .creditReserved ? [.confirmed, .rejected] : [.rejected])
        }
}
