import Contracts
public import EventSourcing

extension Orders: Reversible {
    /// Returns the command that cancels the order, whichever of its events is reversed. The saga
    /// undoes the rest.
    public static func reversal(of past: PastDecision<Orders>) -> Command {
        .cancel(
            CancelOrder(order: past.event.entity),
            reversing: Reverses(event: past.id, reason: past.reason))
    }
}
