import EventSourcing

/// What happens to a customer's credit limit, in stream `creditLimit-<customer>`.
///
/// Each CreditReserved is closed by exactly one CreditDrawn or CreditReleased, also when its amount
/// is zero: so that what is still open can be read off the log.
public enum CreditLimitEvent: PublishedPayloadFamily {
    case set(CreditLimitSet)
    case reserved(CreditReserved)
    case denied(CreditDenied)
    case released(CreditReleased)
    case drawn(CreditDrawn)
    case restored(CreditRestored)
    case repaid(CreditRepaid)

    public static let cases = PayloadCases([
        .init(CreditLimitEvent.set), .init(CreditLimitEvent.reserved),
        .init(CreditLimitEvent.denied), .init(CreditLimitEvent.released),
        .init(CreditLimitEvent.drawn), .init(CreditLimitEvent.restored),
        .init(CreditLimitEvent.repaid),
    ])

    public var payload: any EventPayload {
        switch self {
        case .set(let payload): payload
        case .reserved(let payload): payload
        case .denied(let payload): payload
        case .released(let payload): payload
        case .drawn(let payload): payload
        case .restored(let payload): payload
        case .repaid(let payload): payload
        }
    }
}

/// A payload of category `creditLimit`.
public protocol CreditLimitPayload: EventPayload {
    /// The customer, whose id is the limit's id, too.
    var customer: String { get }
}

extension CreditLimitPayload {
    public static var category: String { "creditLimit" }
    public static var family: any PayloadFamily.Type { CreditLimitEvent.self }
    public static var writer: String { "creditLimit" }
    public var tags: [String] { [Tag.customer(customer)] }
}

extension CreditLimitPayload where Self: Reversing {
    public var tags: [String] { [Tag.customer(customer)] + (reverses.map { [$0.tag] } ?? []) }
}

extension CreditLimitPayload where Self: ConcernsOrder {
    public var tags: [String] { [Tag.order(order), Tag.customer(customer)] }
}

/// The customer may owe so much from now on.
public struct CreditLimitSet: CreditLimitPayload, Reversing {
    public static let type = "CreditLimitSet"
    public static let reversal = Reversal.by([CreditLimitSet.self])
    public var customer: String
    public var limit: Money
    /// If the limit goes back to what it was: which setting is undone.
    public var reverses: Reverses?

    public init(customer: String, limit: Money, reverses: Reverses? = nil) {
        self.customer = customer
        self.limit = limit
        self.reverses = reverses
    }
}

/// Credit is set aside for an order, until it is drawn or released.
public struct CreditReserved: CreditLimitPayload, ConcernsOrder {
    public static let type = "CreditReserved"
    public static let reversal = Reversal.withItsOrder([CreditReleased.self])
    public var customer: String
    public var order: String
    /// Zero if the balance covers the order; it then takes no limit.
    public var amount: Money

    public init(customer: String, order: String, amount: Money) {
        self.customer = customer
        self.order = order
        self.amount = amount
    }
}

/// There is not enough credit left for an order.
public struct CreditDenied: CreditLimitPayload, ConcernsOrder {
    public static let type = "CreditDenied"
    public static let reversal = Reversal.none(
        because: "nothing was set aside that could be released")
    public var customer: String
    public var order: String
    public var amount: Money
    /// What was left of the limit, in its own currency; zero if there is no limit.
    public var available: Money
    public var reason: Reason

    public enum Reason: String, Codable, CaseIterable, Hashable, Sendable {
        case noLimit, wrongCurrency, limitExceeded
    }

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

/// The order has failed: what was set aside for it is available again.
public struct CreditReleased: CreditLimitPayload, ConcernsOrder {
    public static let type = "CreditReleased"
    public static let reversal = Reversal.none(
        because: "its order has ended; a new order has credit of its own set aside")
    public var customer: String
    public var order: String
    public var amount: Money

    public init(customer: String, order: String, amount: Money) {
        self.customer = customer
        self.order = order
        self.amount = amount
    }
}

/// The order is paid: what was set aside for it is used.
public struct CreditDrawn: CreditLimitPayload, ConcernsOrder {
    public static let type = "CreditDrawn"
    public static let reversal = Reversal.withItsOrder([CreditRestored.self])
    public var customer: String
    public var order: String
    public var amount: Money

    public init(customer: String, order: String, amount: Money) {
        self.customer = customer
        self.order = order
        self.amount = amount
    }
}

/// The refund of an order has repaid this much. Not recorded if that is nothing.
public struct CreditRestored: CreditLimitPayload, ConcernsOrder {
    public static let type = "CreditRestored"
    public static let reversal = Reversal.none(
        because: "it follows a refund, which has no reversal")
    public var customer: String
    public var order: String
    public var amount: Money

    public init(customer: String, order: String, amount: Money) {
        self.customer = customer
        self.order = order
        self.amount = amount
    }
}

/// Money that came in has repaid this much. Not recorded if that is nothing.
public struct CreditRepaid: CreditLimitPayload {
    public static let type = "CreditRepaid"
    public static let reversal = Reversal.none(
        because: "it follows money that came in; what an order lacks is drawn again")
    public var customer: String
    public var amount: Money

    public init(customer: String, amount: Money) {
        self.customer = customer
        self.amount = amount
    }
}
