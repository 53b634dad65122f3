import Contracts
public import EventSourcing

extension Account: Reversible {
    /// Returns the opposite movement: a withdrawal for a credit, a credit for a withdrawal. What
    /// the money has repaid stays repaid.
    ///
    /// - Throws: a rejection for any other event.
    public static func reversal(of past: PastDecision<Account>) throws(DaybookError) -> Command {
        let reverses = Reverses(event: past.id, reason: past.reason)
        switch past.event {
        case .credited(let event):
            return .withdraw(
                WithdrawMoney(
                    account: event.account, amount: event.amount, reference: event.reference),
                reversing: reverses)
        case .withdrawn(let event):
            return .credit(
                CreditMoney(
                    account: event.account, amount: event.amount, reference: event.reference),
                reversing: reverses)
        case .opened, .reserved, .refused, .released, .captured, .refunded:
            throw past.irreversible
        }
    }
}
