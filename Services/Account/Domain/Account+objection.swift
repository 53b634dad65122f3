public import Contracts
import EventSourcing

extension Account {
    /// Returns why the account can't have had `event` in `state`, or nil if it can.
    public static func objection(to event: AccountEvent, given state: State) -> String? {
        let account = event.entity
        return switch event {
        case .opened: state.currency.map { _ in alreadyOpen(account).description }
        case .refused: nil
        case _ where state.currency == nil: noSuchAccount(account).description
        case .credited(let event): objection(toRepaying: event.repaid, state)
        case .withdrawn(let event): objection(toTaking: event.amount, from: account, state)
        case .reserved(let event): objection(toTaking: event.fromBalance, from: account, state)
        case .released(let event): objection(toEndingHoldFor: event.order, state)
        case .captured(let event): objection(toEndingHoldFor: event.order, state)
        case .refunded(let event):
            state.paid[event.order] == nil
                ? "order \(event.order) is not paid" : objection(toRepaying: event.repaid, state)
        case .reversalRequested(let event):
            objection(toTaking: event.fromBalance, from: account, state)
        case .reversalRejected(let event): objection(toEndingReversal: event.request, state)
        case .reversalCompleted(let event): objection(toEndingReversal: event.request, state)
        }
    }

    private static func objection(
        toTaking amount: Money, from account: String, _ state: State
    ) -> String? {
        guard amount.amount > state.free, amount.amount > 0 else { return nil }
        return insufficientFunds(for: amount, in: account, state).description
    }

    private static func objection(toEndingHoldFor order: String, _ state: State) -> String? {
        state.holds[order] == nil ? "nothing is held for order \(order)" : nil
    }

    private static func objection(toEndingReversal request: Int, _ state: State) -> String? {
        state.reversals[request] == nil ? "reversal \(request) was not requested" : nil
    }

    private static func objection(toRepaying amount: Money, _ state: State) -> String? {
        amount.amount <= state.owed
            ? nil : "\(Money(state.owed, amount.currency)) is owed, less than the \(amount) repaid"
    }
}
