public import EventSourcing

/// Opens an account for the customer of the same id.
public struct OpenAccount: Codable, Hashable, Sendable {
    /// The name of the call that carries the command.
    public static let name = "OpenAccount"

    /// The id of the account.
    public var account: String
    /// The only currency of the account.
    public var currency: Currency
    /// The time at which the account was opened.
    public var openedAt: Timestamp

    /// Creates the command.
    public init(account: String, currency: Currency, openedAt: Timestamp) {
        self.account = account
        self.currency = currency
        self.openedAt = openedAt
    }
}

extension OpenAccount: ClockedCommand {
    /// The command without the time of opening.
    public var withoutTimes: OpenAccount {
        OpenAccount(account: account, currency: currency, openedAt: .earliest)
    }
}

/// Pays money into an account.
public struct CreditMoney: Codable, Hashable, Sendable {
    /// The name of the call that carries the command.
    public static let name = "CreditMoney"

    /// The id of the account.
    public var account: String
    /// The amount, more than zero.
    public var amount: Money
    /// The purpose of the payment. May be empty.
    public var reference: String

    /// Creates the command.
    public init(account: String, amount: Money, reference: String = "") {
        self.account = account
        self.amount = amount
        self.reference = reference
    }
}

/// Pays money out of an account's free funds.
public struct WithdrawMoney: Codable, Hashable, Sendable {
    /// The name of the call that carries the command.
    public static let name = "WithdrawMoney"

    /// The id of the account.
    public var account: String
    /// The amount, more than zero.
    public var amount: Money
    /// The purpose of the payment. May be empty.
    public var reference: String

    /// Creates the command.
    public init(account: String, amount: Money, reference: String = "") {
        self.account = account
        self.amount = amount
        self.reference = reference
    }
}
