import EventSourcing

/// The events of a customer's credit limit, in stream `creditLimit-<customer>`.
///
/// Exactly one CreditDrawn or CreditReleased follows each CreditReserved, even if its amount is
/// zero. So the log shows which reservations are open.
public enum CreditLimitEvent: PublishedPayloadFamily {
    /// The limit was set.
    case set(CreditLimitSet)
    /// Credit was reserved for an order.
    case reserved(CreditReserved)
    /// Credit was denied to an order.
    case denied(CreditDenied)
    /// The credit reserved for an order was released.
    case released(CreditReleased)
    /// The credit reserved for an order was used.
    case drawn(CreditDrawn)
    /// The refund of an order repaid used credit.
    case restored(CreditRestored)
    /// An incoming payment repaid used credit.
    case repaid(CreditRepaid)
    /// Credit was used for the reversal of a credit.
    case reversalDrawn(ReversalCreditDrawn)
    /// Credit was denied to the reversal of a credit.
    case reversalDenied(ReversalCreditDenied)

    /// The cases by the names of their types.
    public static let cases = PayloadCases([
        .init(CreditLimitEvent.set), .init(CreditLimitEvent.reserved),
        .init(CreditLimitEvent.denied), .init(CreditLimitEvent.released),
        .init(CreditLimitEvent.drawn), .init(CreditLimitEvent.restored),
        .init(CreditLimitEvent.repaid), .init(CreditLimitEvent.reversalDrawn),
        .init(CreditLimitEvent.reversalDenied),
    ])

    /// The payload of the event.
    public var payload: any EventPayload {
        switch self {
        case .set(let payload): payload
        case .reserved(let payload): payload
        case .denied(let payload): payload
        case .released(let payload): payload
        case .drawn(let payload): payload
        case .restored(let payload): payload
        case .repaid(let payload): payload
        case .reversalDrawn(let payload): payload
        case .reversalDenied(let payload): payload
        }
    }
}

/// A payload of category `creditLimit`.
public protocol CreditLimitPayload: EventPayload {
    /// The id of the customer, which is also the id of the limit.
    var customer: String { get }
}

extension CreditLimitPayload {
    /// The category `creditLimit`.
    public static var category: String { "creditLimit" }
    /// The family of all credit limit events.
    public static var family: any PayloadFamily.Type { CreditLimitEvent.self }
    /// The creditLimit service.
    public static var writer: String { "creditLimit" }
    /// The id of the customer.
    public var entity: String { customer }
    /// The tags of the customer, and of the reversed event if there is one.
    public var tags: [String] { [Tag.customer(customer)] + reversalTags }
}

extension CreditLimitPayload where Self: ConcernsOrder {
    /// The tags of the order and the customer.
    public var tags: [String] { [Tag.order(order), Tag.customer(customer)] }
}

/// The customer's credit limit was set.
public struct CreditLimitSet: CreditLimitPayload {
    /// The name of the event's type in the log.
    public static let type = "CreditLimitSet"
    /// How the event is reversed.
    public static let reversal = Reversal.by([CreditLimitSet.self])
    /// The id of the customer.
    public var customer: String
    /// The highest amount that the customer may owe.
    public var limit: Money
    /// The reversed event, if this event restores an earlier limit.
    public var reverses: Reverses?

    /// Creates the event.
    public init(customer: String, limit: Money, reverses: Reverses? = nil) {
        self.customer = customer
        self.limit = limit
        self.reverses = reverses
    }
}

/// Credit is reserved for an order, until it is drawn or released.
public struct CreditReserved: CreditLimitPayload, ConcernsOrder {
    /// The name of the event's type in the log.
    public static let type = "CreditReserved"
    /// How the event is reversed.
    public static let reversal = Reversal.withItsOrder([CreditReleased.self])
    /// The id of the customer.
    public var customer: String
    /// The id of the order.
    public var order: String
    /// The reserved credit. It is zero if the balance covers the order, even without a limit.
    public var amount: Money

    /// Creates the event.
    public init(customer: String, order: String, amount: Money) {
        self.customer = customer
        self.order = order
        self.amount = amount
    }
}

/// Credit was denied to an order.
public struct CreditDenied: CreditLimitPayload, ConcernsOrder {
    /// The name of the event's type in the log.
    public static let type = "CreditDenied"
    /// How the event is reversed.
    public static let reversal = Reversal.none(because: "no credit was reserved")
    /// The id of the customer.
    public var customer: String
    /// The id of the order.
    public var order: String
    /// The credit that the order needs.
    public var amount: Money
    /// The remaining credit in the currency of the limit, or zero without a limit.
    public var available: Money
    /// Why the credit was denied.
    public var reason: Reason

    /// The reasons to deny credit.
    public enum Reason: String, Codable, CaseIterable, Hashable, Sendable {
        /// The customer has no limit, the limit has another currency, or the limit would be
        /// exceeded.
        case noLimit, wrongCurrency, limitExceeded
    }

    /// Creates the event.
    public init(
        customer: String, order: String, amount: Money, available: Money, reason: Reason
    ) {
        self.customer = customer
        self.order = order
        self.amount = amount
        self.available = available
        self.reason = reason
    }
}

/// The order failed. The credit reserved for it is available again.
public struct CreditReleased: CreditLimitPayload, ConcernsOrder {
    /// The name of the event's type in the log.
    public static let type = "CreditReleased"
    /// How the event is reversed.
    public static let reversal = Reversal.none(
        because: "its order has ended; a new order reserves its own credit")
    /// The id of the customer.
    public var customer: String
    /// The id of the order.
    public var order: String
    /// The released credit, as it was reserved.
    public var amount: Money

    /// Creates the event.
    public init(customer: String, order: String, amount: Money) {
        self.customer = customer
        self.order = order
        self.amount = amount
    }
}

/// The order is paid. The credit reserved for it is now used.
public struct CreditDrawn: CreditLimitPayload, ConcernsOrder {
    /// The name of the event's type in the log.
    public static let type = "CreditDrawn"
    /// How the event is reversed.
    public static let reversal = Reversal.withItsOrder([CreditRestored.self])
    /// The id of the customer.
    public var customer: String
    /// The id of the order.
    public var order: String
    /// The used credit, as it was reserved.
    public var amount: Money

    /// Creates the event.
    public init(customer: String, order: String, amount: Money) {
        self.customer = customer
        self.order = order
        self.amount = amount
    }
}

/// The refund of an order has repaid used credit. Written only if the amount is more than zero.
public struct CreditRestored: CreditLimitPayload, ConcernsOrder {
    /// The name of the event's type in the log.
    public static let type = "CreditRestored"
    /// How the event is reversed.
    public static let reversal = Reversal.none(
        because: "it follows a refund, which can't be reversed")
    /// The id of the customer.
    public var customer: String
    /// The id of the order.
    public var order: String
    /// The repaid credit.
    public var amount: Money

    /// Creates the event.
    public init(customer: String, order: String, amount: Money) {
        self.customer = customer
        self.order = order
        self.amount = amount
    }
}

/// An incoming payment has repaid used credit. Written only if the amount is more than zero.
public struct CreditRepaid: CreditLimitPayload {
    /// The name of the event's type in the log.
    public static let type = "CreditRepaid"
    /// How the event is reversed.
    public static let reversal = Reversal.none(
        because: "it follows an incoming payment; reverse that payment ('credit reverse')")
    /// The id of the customer.
    public var customer: String
    /// The repaid credit.
    public var amount: Money

    /// Creates the event.
    public init(customer: String, amount: Money) {
        self.customer = customer
        self.amount = amount
    }
}
