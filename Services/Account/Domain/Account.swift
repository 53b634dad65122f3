public import Contracts
public import EventSourcing

/// A customer's account, the one aggregate that balance, withdraw and credit share.
///
/// It holds `funds`, of which a part is held for open orders, and what it `owes`: credit drawn and
/// not repaid. Its balance is funds less what it owes. At every revision, funds ≥ held ≥ 0.
public enum Account: Aggregate {
    public typealias Event = AccountEvent

    public enum Command: Hashable, Sendable {
        case open(OpenAccount)
        case credit(CreditMoney, reversing: Reverses? = nil)
        case withdraw(WithdrawMoney, reversing: Reverses? = nil)
        /// Hold what the free funds cover of an order's total. Nothing to do for an order that is
        /// held or paid already.
        case reserve(account: String, order: String, total: Money)
        /// Free again what is held for an order, if anything is.
        case release(account: String, order: String)
        /// Pay for an order, as it was reserved.
        case capture(account: String, order: String)
        /// Take back the payment of an order, if it was paid.
        case refund(account: String, order: String)
    }

    public struct State: Codable, Hashable, Sendable {
        /// Nil until it is opened.
        public var currency: Currency?
        public var funds: Int64 = 0
        public var owed: Int64 = 0
        /// The sum of what the holds take from the funds.
        public var held: Int64 = 0
        /// By order, those not yet captured or released.
        public var holds: [String: Hold] = [:]
        /// By order, what was captured and not refunded.
        public var paid: [String: Int64] = [:]

        public var free: Int64 { funds.subtracting(held) }
        public var balance: Int64 { funds.subtracting(owed) }
    }

    /// How an order is going to be paid.
    public struct Hold: Codable, Hashable, Sendable {
        public var fromBalance: Int64
        public var shortfall: Int64
    }

    public static let category = "account"
    public static let initial = State()

    public static func id(of command: Command) -> String {
        switch command {
        case .open(let command): command.account
        case .credit(let command, _): command.account
        case .withdraw(let command, _): command.account
        case .reserve(let account, _, _), .release(let account, _), .capture(let account, _),
            .refund(let account, _):
            account
        }
    }

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
        }
    }
}
