public import EventSourcing

/// An account, for queries. Amounts are in minor units of `currency`.
public struct AccountView: EntityView {
    /// The id of the account, which is also the id of its customer.
    public var id: String
    /// The only currency of the account.
    public var currency: Currency
    /// The money in the account. Never negative.
    public var funds: Int64 = 0
    /// The part of the funds that is held for open orders and reversals.
    public var held: Int64 = 0
    /// The credit that was used and not repaid.
    public var owed: Int64 = 0
    /// The funds minus what is owed.
    public var balance: Int64 = 0
    /// The funds minus what is held: the amount that can be withdrawn or reserved.
    public var free: Int64 = 0
    /// The time at which the account was opened.
    public var openedAt: Timestamp
    /// The position of the last event in this view.
    public var position: UInt64 = 0
    /// The time of that event.
    public var updatedAt = Timestamp.earliest

    /// Creates the view of an empty account.
    public init(_ opened: AccountOpened) {
        id = opened.account
        currency = opened.currency
        openedAt = opened.openedAt
    }
}

/// A line of an account's statement. Amounts are in minor units of `currency`.
public struct StatementEntry: Codable, Hashable, Sendable {
    /// The position of the event, by which the statement is sorted.
    public var position: UInt64
    /// The time of commit.
    public var time: Timestamp
    /// The id of the account.
    public var account: String
    /// What happened.
    public var kind: Kind
    /// The change of the balance: negative for money that left, zero for money that is only held.
    public var change: Int64
    /// The change of the funds held for orders and reversals.
    public var heldChange: Int64
    /// The balance after the event.
    public var balanceAfter: Int64
    /// The currency of the amounts.
    public var currency: Currency
    /// The id of the order, or nil.
    public var order: String?
    /// The purpose of the payment, or nil.
    public var reference: String?

    /// The kinds of lines in a statement.
    public enum Kind: String, Codable, Hashable, Sendable {
        /// The account was opened, money was paid in or out, funds were reserved or released, or a
        /// payment was captured or refunded.
        case opened, credited, withdrawn, reserved, released, captured, refunded
        /// A credit was reversed and left a debt.
        case reversed
    }

    /// Creates the line of an event that changed the account from `before` to `view`, or returns
    /// nil for a refusal, which changes nothing.
    public init?(
        _ recorded: Recorded<AccountEvent>, from before: AccountView, to view: AccountView
    ) {
        switch recorded.event {
        case .opened: kind = .opened
        case .credited(let event): (kind, reference) = (.credited, event.purpose)
        case .withdrawn(let event): (kind, reference) = (.withdrawn, event.purpose)
        case .reserved(let event): (kind, order) = (.reserved, event.order)
        case .refused: return nil
        case .released(let event): (kind, order) = (.released, event.order)
        case .captured(let event): (kind, order) = (.captured, event.order)
        case .refunded(let event): (kind, order) = (.refunded, event.order)
        case .reversalRequested(let event):
            (kind, reference) = (.reserved, Reverses.purpose(event.reason))
        case .reversalRejected(let event): (kind, reference) = (.released, event.detail)
        case .reversalCompleted(let event): (kind, reference) = (.reversed, event.purpose)
        }
        position = recorded.position
        time = recorded.time
        account = view.id
        change = view.balance.subtracting(before.balance)
        heldChange = view.held.subtracting(before.held)
        balanceAfter = view.balance
        currency = view.currency
    }
}

/// Money paid out of an account. The amount is in minor units of `currency`.
public struct WithdrawalView: Codable, Hashable, Sendable {
    /// The position of the event, by which lists are sorted.
    public var position: UInt64
    /// The time of commit.
    public var time: Timestamp
    /// The id of the account.
    public var account: String
    /// The amount paid out.
    public var amount: Int64
    /// The currency of the amounts.
    public var currency: Currency
    /// The purpose of the payment, or the reason of the reversal.
    public var reference: String

    /// Creates the view of a withdrawal.
    public init(_ withdrawn: MoneyWithdrawn, position: UInt64, time: Timestamp) {
        self.position = position
        self.time = time
        account = withdrawn.account
        amount = withdrawn.amount.amount
        currency = withdrawn.amount.currency
        reference = withdrawn.purpose
    }
}

/// Money paid into an account. Amounts are in minor units of `currency`.
public struct CreditView: Codable, Hashable, Sendable {
    /// The position of the event, by which lists are sorted.
    public var position: UInt64
    /// The time of commit.
    public var time: Timestamp
    /// The id of the account.
    public var account: String
    /// The amount paid in.
    public var amount: Int64
    /// The part that repaid used credit.
    public var repaid: Int64
    /// The currency of the amounts.
    public var currency: Currency
    /// The purpose of the payment, or the reason of the reversal.
    public var reference: String

    /// Creates the view of a credit.
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
