import AccountDomain
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
        let event = recorded.event
        if case .opened(let event) = event { model.accounts[event.account] = AccountView(event) }
        // The decider appends other events to open accounts only, so an event without an account is
        // not its own and is skipped.
        guard let before = model.accounts[event.entity] else { return }
        var state = Account.initial
        (state.funds, state.held, state.owed) = (before.funds, before.held, before.owed)
        Account.evolve(&state, with: event)
        var view = before
        (view.funds, view.held, view.owed) = (state.funds, state.held, state.owed)
        (view.balance, view.free) = (state.balance, state.free)
        guard let entry = StatementEntry(recorded, from: before, to: view) else { return }
        model.accounts.put(view, after: recorded)
        model.statement.append(entry)
    }
}
