public import EventSourcing

// The reversal of a credit takes the free funds. The rest must become debt, so the credit limit
// decides on it: creditLimit draws credit or denies it, and balance completes or rejects the
// reversal. If the free funds are enough, MoneyWithdrawn reverses the credit at once.

/// The reversal of a credit was requested. Free funds are held for it, and credit must cover the
/// rest.
public struct CreditReversalRequested: AccountPayload {
    /// The name of the event's type in the log.
    public static let type = "CreditReversalRequested"
    /// The service that appends the event.
    public static let writer = "credit"
    /// How the event is reversed.
    public static let reversal = Reversal.none(
        because: "CreditReversalCompleted or CreditReversalRejected follows it")
    /// The id of the account.
    public var account: String
    /// The number of the request in the account: 1 for the first.
    public var request: Int
    /// The id of the MoneyCredited event to reverse.
    public var credit: EventID
    /// Why the credit is reversed, in the actor's words.
    public var reason: String
    /// The amount of the credit: `fromBalance` plus `shortfall`.
    public var amount: Money
    /// The part that the free funds cover, which is held from now on. May be zero.
    public var fromBalance: Money
    /// The part that credit must cover. More than zero.
    public var shortfall: Money

    /// Creates the event.
    public init(
        account: String, request: Int, credit: EventID, reason: String, amount: Money,
        fromBalance: Money, shortfall: Money
    ) {
        self.account = account
        self.request = request
        self.credit = credit
        self.reason = reason
        self.amount = amount
        self.fromBalance = fromBalance
        self.shortfall = shortfall
    }
}

/// The reversal of a credit was rejected. The funds held for it are free again.
public struct CreditReversalRejected: AccountPayload {
    /// The name of the event's type in the log.
    public static let type = "CreditReversalRejected"
    /// How the event is reversed.
    public static let reversal = Reversal.none(
        because: "the credit still stands; reverse the credit again")
    /// The id of the account.
    public var account: String
    /// The number of the request in the account.
    public var request: Int
    /// The id of the MoneyCredited event that still stands.
    public var credit: EventID
    /// The released amount: the `fromBalance` of the request.
    public var amount: Money
    /// Why the reversal was rejected, and what to do first, for people.
    public var detail: String

    /// Creates the event.
    public init(account: String, request: Int, credit: EventID, amount: Money, detail: String) {
        self.account = account
        self.request = request
        self.credit = credit
        self.amount = amount
        self.detail = detail
    }
}

/// A credit was reversed. The held funds left the account, and the account owes the rest.
public struct CreditReversalCompleted: MovesMoney {
    /// The name of the event's type in the log.
    public static let type = "CreditReversalCompleted"
    /// How the event is reversed.
    public static let reversal = Reversal.by([MoneyCredited.self])
    /// The id of the account.
    public var account: String
    /// The number of the request in the account.
    public var request: Int
    /// The reversed amount: `fromBalance` plus `fromCredit`.
    public var amount: Money
    /// The part that came from the held funds. May be zero.
    public var fromBalance: Money
    /// The part that the account now owes.
    public var fromCredit: Money
    /// The reversed event, and why it is reversed.
    public var reverses: Reverses?

    /// Empty: the purpose is the reason of the reversal.
    public var reference: String { "" }

    /// Creates the event.
    public init(
        account: String, request: Int, amount: Money, fromBalance: Money, fromCredit: Money,
        reverses: Reverses
    ) {
        self.account = account
        self.request = request
        self.amount = amount
        self.fromBalance = fromBalance
        self.fromCredit = fromCredit
        self.reverses = reverses
    }
}

/// Credit was drawn for the reversal of a credit.
public struct ReversalCreditDrawn: CreditLimitPayload {
    /// The name of the event's type in the log.
    public static let type = "ReversalCreditDrawn"
    /// How the event is reversed.
    public static let reversal = Reversal.none(
        because: "it is a step of a reversal; reverse CreditReversalCompleted ('balance reverse')")
    /// The id of the customer.
    public var customer: String
    /// The number of the request in the customer's account.
    public var request: Int
    /// The credit that is used from now on.
    public var amount: Money

    /// Creates the event.
    public init(customer: String, request: Int, amount: Money) {
        self.customer = customer
        self.request = request
        self.amount = amount
    }
}

/// Credit was denied to the reversal of a credit.
public struct ReversalCreditDenied: CreditLimitPayload {
    /// The name of the event's type in the log.
    public static let type = "ReversalCreditDenied"
    /// How the event is reversed.
    public static let reversal = Reversal.none(because: "no credit was drawn")
    /// The id of the customer.
    public var customer: String
    /// The number of the request in the customer's account.
    public var request: Int
    /// The credit that the reversal needs.
    public var amount: Money
    /// The remaining credit in the currency of the limit, or zero without a limit.
    public var available: Money
    /// The lowest limit with which the reversal would have been possible.
    public var requiredLimit: Money
    /// Why the credit was denied.
    public var reason: CreditDenied.Reason

    /// Creates the event.
    public init(
        customer: String, request: Int, amount: Money, available: Money, requiredLimit: Money,
        reason: CreditDenied.Reason
    ) {
        self.customer = customer
        self.request = request
        self.amount = amount
        self.available = available
        self.requiredLimit = requiredLimit
        self.reason = reason
    }
}
