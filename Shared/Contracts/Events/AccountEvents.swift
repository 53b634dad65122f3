public import EventSourcing

/// The events of an account, in stream `account-<id>`.
public enum AccountEvent: PublishedPayloadFamily {
    /// The account was opened.
    case opened(AccountOpened)
    /// Money was paid in.
    case credited(MoneyCredited)
    /// Money was paid out.
    case withdrawn(MoneyWithdrawn)
    /// Funds were reserved for an order.
    case reserved(FundsReserved)
    /// The account can't pay for an order.
    case refused(FundsRefused)
    /// The funds reserved for an order were released.
    case released(FundsReleased)
    /// An order was paid.
    case captured(PaymentCaptured)
    /// The payment of an order was refunded.
    case refunded(PaymentRefunded)
    /// The reversal of a credit was requested. It needs credit.
    case reversalRequested(CreditReversalRequested)
    /// The reversal of a credit was rejected.
    case reversalRejected(CreditReversalRejected)
    /// A credit was reversed, and left a debt.
    case reversalCompleted(CreditReversalCompleted)

    /// The cases by the names of their types.
    public static let cases = PayloadCases([
        .init(AccountEvent.opened), .init(AccountEvent.credited), .init(AccountEvent.withdrawn),
        .init(AccountEvent.reserved), .init(AccountEvent.refused), .init(AccountEvent.released),
        .init(AccountEvent.captured), .init(AccountEvent.refunded),
        .init(AccountEvent.reversalRequested), .init(AccountEvent.reversalRejected),
        .init(AccountEvent.reversalCompleted),
    ])

    /// The payload of the event.
    public var payload: any EventPayload {
        switch self {
        case .opened(let payload): payload
        case .credited(let payload): payload
        case .withdrawn(let payload): payload
        case .reserved(let payload): payload
        case .refused(let payload): payload
        case .released(let payload): payload
        case .captured(let payload): payload
        case .refunded(let payload): payload
        case .reversalRequested(let payload): payload
        case .reversalRejected(let payload): payload
        case .reversalCompleted(let payload): payload
        }
    }
}

/// A payload of category `account`.
public protocol AccountPayload: EventPayload {
    /// The id of the account, which is also the id of its customer.
    var account: String { get }
}

extension AccountPayload {
    /// The category `account`.
    public static var category: String { "account" }
    /// The family of all account events.
    public static var family: any PayloadFamily.Type { AccountEvent.self }
    /// The balance service.
    public static var writer: String { "balance" }
    /// The id of the account.
    public var entity: String { account }
    /// The tags of the account, and of the reversed event if there is one.
    public var tags: [String] { [Tag.account(account)] + reversalTags }
}

/// A payload that pays money in or out, independently of an order.
public protocol MovesMoney: AccountPayload {
    /// The purpose of the payment. May be empty.
    var reference: String { get }
}

extension MovesMoney {
    /// The purpose of the payment, for people: its reference, or the reason of a reversal.
    public var purpose: String { reverses.map { Reverses.purpose($0.reason) } ?? reference }
}

extension AccountPayload where Self: ConcernsOrder {
    /// The tags of the order and the account.
    public var tags: [String] { [Tag.order(order), Tag.account(account)] }
}

/// An account was opened. It is empty.
public struct AccountOpened: AccountPayload {
    /// The name of the event's type in the log.
    public static let type = "AccountOpened"
    /// How the event is reversed.
    public static let reversal = Reversal.none(
        because: "an account and its history are permanent; withdraw the money instead")
    /// The id of the account.
    public var account: String
    /// The only currency of the account.
    public var currency: Currency
    /// The time at which the account was opened.
    public var openedAt: Timestamp

    /// Creates the event.
    public init(account: String, currency: Currency, openedAt: Timestamp) {
        self.account = account
        self.currency = currency
        self.openedAt = openedAt
    }
}

/// Money was paid into the account.
public struct MoneyCredited: MovesMoney {
    /// The name of the event's type in the log.
    public static let type = "MoneyCredited"
    /// The service that appends the event.
    public static let writer = "credit"
    /// How the event is reversed.
    public static let reversal = Reversal.by([
        MoneyWithdrawn.self, CreditReversalCompleted.self,
    ])
    /// The id of the account.
    public var account: String
    /// The amount paid in.
    public var amount: Money
    /// The part of the amount that repaid credit. The rest went to the funds.
    public var repaid: Money
    /// The purpose of the payment, in the payer's words. May be empty.
    public var reference: String
    /// The reversed event, if this event reverses a withdrawal.
    public var reverses: Reverses?

    /// Creates the event.
    public init(
        account: String, amount: Money, repaid: Money, reference: String,
        reverses: Reverses? = nil
    ) {
        self.account = account
        self.amount = amount
        self.repaid = repaid
        self.reference = reference
        self.reverses = reverses
    }
}

/// Money was paid out of the account's free funds.
public struct MoneyWithdrawn: MovesMoney {
    /// The name of the event's type in the log.
    public static let type = "MoneyWithdrawn"
    /// The service that appends the event.
    public static let writer = "withdraw"
    /// How the event is reversed.
    public static let reversal = Reversal.by([MoneyCredited.self])
    /// The id of the account.
    public var account: String
    /// The amount paid out.
    public var amount: Money
    /// The purpose of the payment. May be empty.
    public var reference: String
    /// The reversed event, if this event reverses a credit.
    public var reverses: Reverses?

    /// Creates the event.
    public init(account: String, amount: Money, reference: String, reverses: Reverses? = nil) {
        self.account = account
        self.amount = amount
        self.reference = reference
        self.reverses = reverses
    }
}

/// Funds are held for an order, until they are captured or released.
public struct FundsReserved: AccountPayload, ConcernsOrder {
    /// The name of the event's type in the log.
    public static let type = "FundsReserved"
    /// How the event is reversed.
    public static let reversal = Reversal.withItsOrder([FundsReleased.self])
    /// The id of the account.
    public var account: String
    /// The id of the order.
    public var order: String
    /// The price of the order: `fromBalance` plus `shortfall`.
    public var total: Money
    /// The part that the free funds cover, which is held from now on.
    public var fromBalance: Money
    /// The part that credit must cover. May be zero.
    public var shortfall: Money

    /// Creates the event.
    public init(
        account: String, order: String, total: Money, fromBalance: Money, shortfall: Money
    ) {
        self.account = account
        self.order = order
        self.total = total
        self.fromBalance = fromBalance
        self.shortfall = shortfall
    }
}

/// The account can't pay for the order, whatever its funds are.
public struct FundsRefused: AccountPayload, ConcernsOrder {
    /// The name of the event's type in the log.
    public static let type = "FundsRefused"
    /// How the event is reversed.
    public static let reversal = Reversal.none(because: "no funds were held")
    /// The id of the account.
    public var account: String
    /// The id of the order.
    public var order: String
    /// Why the account can't pay.
    public var reason: Reason
    /// The figures behind the reason, for people.
    public var detail: String

    /// The reasons why an account can't pay.
    public enum Reason: String, Codable, CaseIterable, Hashable, Sendable {
        /// The account does not exist, or the order has another currency.
        case noSuchAccount, wrongCurrency
    }

    /// Creates the event.
    public init(account: String, order: String, reason: Reason, detail: String) {
        self.account = account
        self.order = order
        self.reason = reason
        self.detail = detail
    }
}

/// The order failed. The funds held for it are free again.
public struct FundsReleased: AccountPayload, ConcernsOrder {
    /// The name of the event's type in the log.
    public static let type = "FundsReleased"
    /// How the event is reversed.
    public static let reversal = Reversal.none(
        because: "its order has ended; a new order holds funds of its own")
    /// The id of the account.
    public var account: String
    /// The id of the order.
    public var order: String
    /// The released amount: the `fromBalance` of the reservation, not the order's total.
    public var amount: Money

    /// Creates the event.
    public init(account: String, order: String, amount: Money) {
        self.account = account
        self.order = order
        self.amount = amount
    }
}

/// The order is paid. The held funds left the account, and the account owes the rest.
public struct PaymentCaptured: AccountPayload, ConcernsOrder {
    /// The name of the event's type in the log.
    public static let type = "PaymentCaptured"
    /// How the event is reversed.
    public static let reversal = Reversal.withItsOrder([PaymentRefunded.self])
    /// The id of the account.
    public var account: String
    /// The id of the order.
    public var order: String
    /// The paid amount: `fromBalance` plus `fromCredit`.
    public var total: Money
    /// The part that came from the held funds.
    public var fromBalance: Money
    /// The part that the account now owes for this order. May be zero.
    public var fromCredit: Money

    /// Creates the event.
    public init(
        account: String, order: String, total: Money, fromBalance: Money, fromCredit: Money
    ) {
        self.account = account
        self.order = order
        self.total = total
        self.fromBalance = fromBalance
        self.fromCredit = fromCredit
    }
}

/// The order was cancelled. Its payment has come back.
public struct PaymentRefunded: AccountPayload, ConcernsOrder {
    /// The name of the event's type in the log.
    public static let type = "PaymentRefunded"
    /// How the event is reversed.
    public static let reversal = Reversal.none(
        because: "its order has ended; a new order is paid separately")
    /// The id of the account.
    public var account: String
    /// The id of the order.
    public var order: String
    /// The refunded amount: `repaid` plus `toFunds`.
    public var amount: Money
    /// The part that repaid used credit, for this order or others.
    public var repaid: Money
    /// The part that went to the funds.
    public var toFunds: Money

    /// Creates the event.
    public init(account: String, order: String, amount: Money, repaid: Money, toFunds: Money) {
        self.account = account
        self.order = order
        self.amount = amount
        self.repaid = repaid
        self.toFunds = toFunds
    }
}
