public import Contracts
public import EventSourcing

/// The current accounts, and a statement of every change.
public enum BalanceProjection: Projection {
    /// The events of accounts.
    public typealias Event = AccountEvent

    /// The tables of the read model.
    public struct Model: Codable, Sendable {
        /// The accounts by id.
        public var accounts = Table<AccountView>()
        /// The statement's entries, in the order of the log.
        public var statement = Journal<StatementEntry>()

        /// Creates an empty model.
        public init() {}
    }

    /// The version of model and fold.
    public static let version = 1

    /// Applies an event to the account and adds a line to the statement.
    public static func project(_ recorded: Recorded<Event>, onto model: inout Model) {
        guard let change = Change(recorded.event) else { return }
        if case .opened(let event) = recorded.event {
            model.accounts[event.account] = AccountView(
                id: event.account, currency: event.currency, openedAt: event.openedAt,
                position: recorded.position, updatedAt: recorded.time)
        }
        // The decider appends other events to open accounts only, so an event without an account is
        // not its own and is skipped.
        guard var view = model.accounts[change.account] else { return }
        view.funds.add(change.funds)
        view.held.add(change.held)
        view.owed.add(change.owed)
        view.balance = view.funds.subtracting(view.owed)
        view.free = view.funds.subtracting(view.held)
        view.position = recorded.position
        view.updatedAt = recorded.time
        model.accounts[change.account] = view
        model.statement.append(
            StatementEntry(
                position: recorded.position, time: recorded.time, account: change.account,
                kind: change.kind, change: change.funds.subtracting(change.owed),
                heldChange: change.held,
                balanceAfter: view.balance, currency: view.currency, order: change.order,
                reference: change.reference))
    }
}

/// What an event changes in an account.
private struct Change {
    var account: String
    var kind: StatementEntry.Kind
    var funds: Int64 = 0
    var held: Int64 = 0
    var owed: Int64 = 0
    var order: String?
    var reference: String?

    /// Nil for a refusal, which changes nothing.
    init?(_ event: AccountEvent) {
        switch event {
        case .opened(let event):
            (account, kind) = (event.account, .opened)
        case .credited(let event):
            (account, kind, reference) = (event.account, .credited, event.purpose)
            funds = event.amount.amount - event.repaid.amount
            owed = -event.repaid.amount
        case .withdrawn(let event):
            (account, kind, reference) = (event.account, .withdrawn, event.purpose)
            funds = -event.amount.amount
        case .reserved(let event):
            (account, kind, order) = (event.account, .reserved, event.order)
            held = event.fromBalance.amount
        case .refused:
            return nil
        case .released(let event):
            (account, kind, order) = (event.account, .released, event.order)
            held = -event.amount.amount
        case .captured(let event):
            (account, kind, order) = (event.account, .captured, event.order)
            funds = -event.fromBalance.amount
            held = -event.fromBalance.amount
            owed = event.fromCredit.amount
        case .refunded(let event):
            (account, kind, order) = (event.account, .refunded, event.order)
            funds = event.toFunds.amount
            owed = -event.repaid.amount
        }
    }
}
