public import Contracts
public import EventSourcing

/// A customer's account, the aggregate that balance, withdraw and credit share.
///
/// It has `funds`, a part of which is held for open orders and reversals, and a debt: credit drawn
/// and not repaid. Its balance is the funds less the debt. At every revision, funds ≥ held ≥ 0.
/// Amounts are in minor units of the account's currency.
///
/// A credit can be reversed although its money is spent, held or has repaid a debt: the account
/// then owes what its free funds do not cover, if the customer has that much credit.
public enum Account: Aggregate {
    /// The events of an account's stream.
    public typealias Event = AccountEvent

    /// What can be asked of an account, by callers and by the saga.
    public enum Command: Hashable, Sendable {
        /// Opens the account.
        case open(OpenAccount)
        /// Pays money in.
        case credit(CreditMoney, reversing: Reverses? = nil)
        /// Pays money out of the free funds. If it reverses a credit and the free funds are too
        /// low, holds them and requests credit for the rest.
        case withdraw(WithdrawMoney, reversing: Reverses? = nil)
        /// Holds free funds for an order, up to its total. Does nothing if the order is held or
        /// paid already.
        case reserve(account: String, order: String, total: Money)
        /// Frees the funds that are held for an order, if any are.
        case release(account: String, order: String)
        /// Pays for an order as it was reserved.
        case capture(account: String, order: String)
        /// Returns the payment of an order, if it was paid.
        case refund(account: String, order: String)
        /// Takes what is held for the reversal, and owes the rest. Does nothing if the reversal has
        /// ended.
        case completeReversal(account: String, request: Int)
        /// Frees what is held for the reversal. Does nothing if the reversal has ended.
        case rejectReversal(account: String, request: Int, detail: String)
    }

    /// The state of an account, folded from its events.
    public struct State: Codable, Hashable, Sendable {
        /// The account's currency, or nil until it is opened.
        public var currency: Currency?
        /// The money in the account, including what is held.
        public var funds: Int64 = 0
        /// The credit that was drawn and not repaid.
        public var owed: Int64 = 0
        /// The part of the funds that is held for open orders and reversals.
        public var held: Int64 = 0
        /// The holds that are neither captured nor released, by order.
        public var holds: [String: Hold] = [:]
        /// The payments that were captured and not refunded, by order.
        public var paid: [String: Int64] = [:]
        /// The reversals that are neither completed nor rejected, by request.
        public var reversals: [Int: PendingReversal] = [:]
        /// The number of the last request to reverse a credit, or 0.
        public var lastRequest = 0

        /// The funds that are not held.
        public var free: Int64 { funds.subtracting(held) }
        /// The funds less the debt.
        public var balance: Int64 { funds.subtracting(owed) }
    }

    /// How an open order or reversal will be paid.
    public struct Hold: Codable, Hashable, Sendable {
        /// The part that the account's funds pay.
        public var fromBalance: Int64
        /// The part that credit pays.
        public var shortfall: Int64
    }

    /// A reversal that waits for the decision of the credit limit.
    public struct PendingReversal: Codable, Hashable, Sendable {
        /// What the funds and the credit pay.
        public var hold: Hold
        /// The credit that is reversed, and why.
        public var reverses: Reverses
    }

    /// The category of the streams `account-<id>`.
    public static let category = "account"
    /// The state of an account that is not open.
    public static let initial = State()
    /// Version 2 added the reversals that need credit.
    public static let stateVersion = 2

    /// Returns the id of the command's account.
    public static func id(of command: Command) -> String {
        switch command {
        case .open(let command): command.account
        case .credit(let command, _): command.account
        case .withdraw(let command, _): command.account
        case .reserve(let account, _, _), .release(let account, _), .capture(let account, _),
            .refund(let account, _), .completeReversal(let account, _),
            .rejectReversal(let account, _, _):
            account
        }
    }

    /// Applies `event` to the state.
    public static func evolve(_ state: inout State, with event: AccountEvent) {
        switch event {
        case .opened(let event):
            state.currency = event.currency
        case .credited(let event):
            state.funds.add(event.amount.amount.subtracting(event.repaid.amount))
            state.owed.subtract(event.repaid.amount)
        case .withdrawn(let event):
            state.funds.subtract(event.amount.amount)
        case .reserved(let event):
            state.held.add(event.fromBalance.amount)
            state.holds[event.order] = Hold(
                fromBalance: event.fromBalance.amount, shortfall: event.shortfall.amount)
        case .refused:
            break
        case .released(let event):
            state.held.subtract(event.amount.amount)
            state.holds[event.order] = nil
        case .captured(let event):
            state.funds.subtract(event.fromBalance.amount)
            state.held.subtract(event.fromBalance.amount)
            state.owed.add(event.fromCredit.amount)
            state.holds[event.order] = nil
            state.paid[event.order] = event.total.amount
        case .refunded(let event):
            state.funds.add(event.toFunds.amount)
            state.owed.subtract(event.repaid.amount)
            state.paid[event.order] = nil
        case .reversalRequested(let event):
            state.held.add(event.fromBalance.amount)
            state.reversals[event.request] = PendingReversal(
                hold: Hold(
                    fromBalance: event.fromBalance.amount, shortfall: event.shortfall.amount),
                reverses: Reverses(event: event.credit, reason: event.reason))
            state.lastRequest = max(state.lastRequest, event.request)
        case .reversalRejected(let event):
            state.held.subtract(event.amount.amount)
            state.reversals[event.request] = nil
        case .reversalCompleted(let event):
            state.funds.subtract(event.fromBalance.amount)
            state.held.subtract(event.fromBalance.amount)
            state.owed.add(event.fromCredit.amount)
            state.reversals[event.request] = nil
        }
    }
}
