public import Contracts
import EventSourcing

extension Account {
    /// Returns why the account can't have had `event` in `state`, or nil if it can.
    public static func objection(to event: AccountEvent, given state: State) -> String? {
        switch event {
        case .opened(let event):
            state.currency.map { _ in Rejection.alreadyOpen(event.account).description }
        case .refused:
            nil
        case .credited(let event):
            objection(event.account, state) ?? objection(toRepaying: event.repaid, state)
        case .withdrawn(let event):
            objection(event.account, state)
                ?? objection(toTaking: event.amount, from: event.account, state)
        case .reserved(let event):
            objection(event.account, state)
                ?? objection(toTaking: event.fromBalance, from: event.account, state)
        case .released(let event):
            objection(event.account, state) ?? objection(toSettling: event.order, state)
        case .captured(let event):
            objection(event.account, state) ?? objection(toSettling: event.order, state)
        case .refunded(let event):
            objection(event.account, state)
                ?? (state.paid[event.order] == nil ? "order \(event.order) is not paid" : nil)
                ?? objection(toRepaying: event.repaid, state)
        }
    }

    private static func objection(_ account: String, _ state: State) -> String? {
        state.currency == nil ? Rejection.noSuchAccount(account).description : nil
    }

    private static func objection(
        toTaking amount: Money, from account: String, _ state: State
    ) -> String? {
        guard amount.amount > state.free, amount.amount > 0 else { return nil }
        return Rejection.insufficientFunds(
            account: account, amount: amount, free: Money(state.free, amount.currency),
            held: Money(state.held, amount.currency)
        ).description
    }

    private static func objection(toSettling order: String, _ state: State) -> String? {
        state.holds[order] == nil ? "nothing is held for order \(order)" : nil
    }

    private static func objection(toRepaying amount: Money, _ state: State) -> String? {
        amount.amount <= state.owed
            ? nil : "\(Money(state.owed, amount.currency)) is owed, less than the \(amount) repaid"
    }
}
