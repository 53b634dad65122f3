public import EventSourcing

/// What happens to an account, in stream `account-<id>`.
public enum AccountEvent: PublishedPayloadFamily {
    case opened(AccountOpened)
    case credited(MoneyCredited)
    case withdrawn(MoneyWithdrawn)
    case reserved(FundsReserved)
    case refused(FundsRefused)
    case released(FundsReleased)
    case captured(PaymentCaptured)
    case refunded(PaymentRefunded)

    public static let cases = PayloadCases([
        .init(AccountEvent.opened), .init(AccountEvent.credited), .init(AccountEvent.withdrawn),
        .init(AccountEvent.reserved), .init(AccountEvent.refused), .init(AccountEvent.released),
        .init(AccountEvent.captured), .init(AccountEvent.refunded),
    ])

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
        }
    }
}

/// A payload of category `account`.
public protocol AccountPayload: EventPayload {
    /// The account, which has the id of its customer.
    var account: String { get }
}

extension AccountPayload {
    public static var category: String { "account" }
    public static var family: any PayloadFamily.Type { AccountEvent.self }
    public static var writer: String { "balance" }
    public var tags: [String] { [Tag.account(account)] }
}

extension AccountPayload where Self: Reversing {
    public var tags: [String] { [Tag.account(account)] + (reverses.map { [$0.tag] } ?? []) }
}

/// Money that has moved for a reason of its own.
public protocol MovesMoney: AccountPayload, Reversing {
    var reference: String { get }
}

extension MovesMoney {
    /// What it is for, for people: its reference, or why it reverses what came before.
    public var purpose: String { reverses.map { "reversal: \($0.reason)" } ?? reference }
}

extension AccountPayload where Self: ConcernsOrder {
    public var tags: [String] { [Tag.order(order), Tag.account(account)] }
}

/// The account is there, with nothing in it.
public struct AccountOpened: AccountPayload {
    public static let type = "AccountOpened"
    public static let reversal = Reversal.none(
        because: "an account stays, with its history; what is in it can be withdrawn")
    public var account: String
    /// The one currency that it is kept in.
    public var currency: Currency
    public var openedAt: Timestamp

    public init(account: String, currency: Currency, openedAt: Timestamp) {
        self.account = account
        self.currency = currency
        self.openedAt = openedAt
    }
}

/// Money has come in.
public struct MoneyCredited: MovesMoney {
    public static let type = "MoneyCredited"
    public static let writer = "credit"
    public static let reversal = Reversal.by([MoneyWithdrawn.self])
    public var account: String
    public var amount: Money
    /// The part of the amount that repaid what was owed; the rest went to the funds.
    public var repaid: Money
    /// What it is for, in the payer's words; may be empty.
    public var reference: String
    /// If it is money that should not have gone out: which withdrawal is undone.
    public var reverses: Reverses?

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

/// Money has gone out, from free funds.
public struct MoneyWithdrawn: MovesMoney {
    public static let type = "MoneyWithdrawn"
    public static let writer = "withdraw"
    public static let reversal = Reversal.by([MoneyCredited.self])
    public var account: String
    public var amount: Money
    /// What it is for; may be empty.
    public var reference: String
    /// If it is money that should not have come in: which credit is undone.
    public var reverses: Reverses?

    public init(account: String, amount: Money, reference: String, reverses: Reverses? = nil) {
        self.account = account
        self.amount = amount
        self.reference = reference
        self.reverses = reverses
    }
}

/// Funds are held for an order, until it is captured or released.
public struct FundsReserved: AccountPayload, ConcernsOrder {
    public static let type = "FundsReserved"
    public static let reversal = Reversal.withItsOrder([FundsReleased.self])
    public var account: String
    public var order: String
    /// What the order costs: `fromBalance` and `shortfall` together.
    public var total: Money
    /// The part that the free funds cover, and that is held now.
    public var fromBalance: Money
    /// The part that credit must cover; may be zero.
    public var shortfall: Money

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

/// The account can't pay for the order, whatever its funds.
public struct FundsRefused: AccountPayload, ConcernsOrder {
    public static let type = "FundsRefused"
    public static let reversal = Reversal.none(because: "nothing was held that could be freed")
    public var account: String
    public var order: String
    public var reason: Reason
    /// The figures behind the reason, for people.
    public var detail: String

    public enum Reason: String, Codable, CaseIterable, Hashable, Sendable {
        case noSuchAccount, wrongCurrency
    }

    public init(account: String, order: String, reason: Reason, detail: String) {
        self.account = account
        self.order = order
        self.reason = reason
        self.detail = detail
    }
}

/// The order has failed: what was held for it is free again.
public struct FundsReleased: AccountPayload, ConcernsOrder {
    public static let type = "FundsReleased"
    public static let reversal = Reversal.none(
        because: "its order has ended; a new order holds funds of its own")
    public var account: String
    public var order: String
    /// What was held: the `fromBalance` of the reservation, not the order's total.
    public var amount: Money

    public init(account: String, order: String, amount: Money) {
        self.account = account
        self.order = order
        self.amount = amount
    }
}

/// The order is paid: held funds have left the account, and it owes the rest.
public struct PaymentCaptured: AccountPayload, ConcernsOrder {
    public static let type = "PaymentCaptured"
    public static let reversal = Reversal.withItsOrder([PaymentRefunded.self])
    public var account: String
    public var order: String
    /// `fromBalance` and `fromCredit` together.
    public var total: Money
    public var fromBalance: Money
    /// What the account owes for this order from now on; may be zero.
    public var fromCredit: Money

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

/// The order was cancelled: what was paid for it has come back.
public struct PaymentRefunded: AccountPayload, ConcernsOrder {
    public static let type = "PaymentRefunded"
    public static let reversal = Reversal.none(
        because: "its order has ended; a new order is paid by itself")
    public var account: String
    public var order: String
    /// What was paid: `repaid` and `toFunds` together.
    public var amount: Money
    /// The part that repaid what was owed, be it for this order or others.
    public var repaid: Money
    public var toFunds: Money

    public init(account: String, order: String, amount: Money, repaid: Money, toFunds: Money) {
        self.account = account
        self.order = order
        self.amount = amount
        self.repaid = repaid
        self.toFunds = toFunds
    }
}
