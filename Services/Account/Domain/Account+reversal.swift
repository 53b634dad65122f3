import Contracts
public import EventSourcing

extension Account: Reversible {
    /// Money that came in goes out of the free funds, and money that went out comes in. What it has
    /// repaid meanwhile stays repaid.
    public static func reversal(of past: PastDecision<Account>) throws(Rejection) -> Command {
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
            throw .irreversible(past.event.type)
        }
    }
}
