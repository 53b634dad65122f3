public import EventSourcing

/// Open an account for the customer of the same id.
public struct OpenAccount: Codable, Hashable, Sendable {
    /// The name of the call that carries it.
    public static let name = "OpenAccount"

    public var account: String
    public var currency: Currency
    public var openedAt: Timestamp

    public init(account: String, currency: Currency, openedAt: Timestamp) {
        self.account = account
        self.currency = currency
        self.openedAt = openedAt
    }
}

/// Pay money in.
public struct CreditMoney: Codable, Hashable, Sendable {
    /// The name of the call that carries it.
    public static let name = "CreditMoney"

    public var account: String
    /// More than zero.
    public var amount: Money
    /// What it is for; may be empty.
    public var reference: String

    public init(account: String, amount: Money, reference: String = "") {
        self.account = account
        self.amount = amount
        self.reference = reference
    }
}

/// Pay money out of the free funds.
public struct WithdrawMoney: Codable, Hashable, Sendable {
    /// The name of the call that carries it.
    public static let name = "WithdrawMoney"

    public var account: String
    /// More than zero.
    public var amount: Money
    /// What it is for; may be empty.
    public var reference: String

    public init(account: String, amount: Money, reference: String = "") {
        self.account = account
        self.amount = amount
        self.reference = reference
    }
}
