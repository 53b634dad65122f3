public import EventSourcing

/// An account as it is shown. Amounts are minor units of `currency`.
public struct AccountView: Codable, Hashable, Sendable, Identifiable {
    /// The account's id, which is its customer's.
    public var id: String
    public var currency: Currency
    /// Never negative.
    public var funds: Int64 = 0
    /// The part of the funds that is held for open orders.
    public var held: Int64 = 0
    /// Credit drawn and not repaid.
    public var owed: Int64 = 0
    /// Funds less what is owed.
    public var balance: Int64 = 0
    /// Funds less what is held: what can be withdrawn or reserved.
    public var free: Int64 = 0
    public var openedAt: Timestamp
    /// The last event in it, and when that was committed.
    public var position: UInt64
    public var updatedAt: Timestamp

    public init(
        id: String, currency: Currency, openedAt: Timestamp, position: UInt64, updatedAt: Timestamp
    ) {
        self.id = id
        self.currency = currency
        self.openedAt = openedAt
        self.position = position
        self.updatedAt = updatedAt
    }
}

/// A line of an account's statement. Amounts are minor units of `currency`.
public struct StatementEntry: Codable, Hashable, Sendable {
    /// The event's place in the log: unique, and the order of the statement.
    public var position: UInt64
    /// When it was committed.
    public var time: Timestamp
    public var account: String
    public var kind: Kind
    /// What the balance changed by: negative for what went out, zero for what is only held.
    public var change: Int64
    /// What the funds held for orders changed by.
    public var heldChange: Int64
    public var balanceAfter: Int64
    public var currency: Currency
    public var order: String?
    public var reference: String?

    public enum Kind: String, Codable, Hashable, Sendable {
        case opened, credited, withdrawn, reserved, released, captured, refunded
    }

    public init(
        position: UInt64, time: Timestamp, account: String, kind: Kind, change: Int64,
        heldChange: Int64, balanceAfter: Int64, currency: Currency, order: String? = nil,
        reference: String? = nil
    ) {
        self.position = position
        self.time = time
        self.account = account
        self.kind = kind
        self.change = change
        self.heldChange = heldChange
        self.balanceAfter = balanceAfter
        self.currency = currency
        self.order = order
        self.reference = reference
    }
}

/// Money that went out of an account. The amount is in minor units of `currency`.
public struct WithdrawalView: Codable, Hashable, Sendable {
    /// The event's place in the log: unique, and the order of the list.
    public var position: UInt64
    /// When it was committed.
    public var time: Timestamp
    public var account: String
    public var amount: Int64
    public var currency: Currency
    public var reference: String

    public init(_ withdrawn: MoneyWithdrawn, position: UInt64, time: Timestamp) {
        self.position = position
        self.time = time
        account = withdrawn.account
        amount = withdrawn.amount.amount
        currency = withdrawn.amount.currency
        reference = withdrawn.purpose
    }
}

/// Money that came into an account. Amounts are minor units of `currency`.
public struct CreditView: Codable, Hashable, Sendable {
    /// The event's place in the log: unique, and the order of the list.
    public var position: UInt64
    /// When it was committed.
    public var time: Timestamp
    public var account: String
    public var amount: Int64
    /// The part that repaid what was owed.
    public var repaid: Int64
    public var currency: Currency
    public var reference: String

    public init(_ credited: MoneyCredited, position: UInt64, time: Timestamp) {
        self.position = position
        self.time = time
        account = credited.account
        amount = credited.amount.amount
        repaid = credited.repaid.amount
        currency = credited.amount.currency
        reference = credited.purpose
    }
}
