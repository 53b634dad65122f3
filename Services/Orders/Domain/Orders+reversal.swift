import Contracts
public import EventSourcing

extension Orders: Reversible {
    /// Returns the command that cancels the order, whichever of its events is reversed. The saga
    /// undoes the rest.
    public static func reversal(of past: PastDecision<Orders>) -> Command {
        .cancel(
            CancelOrder(order: past.event.order),
            reversing: Reverses(event: past.id, reason: past.reason))
    }
}

extension OrderEvent {
    fileprivate var order: String {
        switch self {
        case .placed(let event): event.order
        case .confirmed(let event): event.order
        case .rejected(let event): event.order
        case .cancelled(let event): event.order
        }
    }
}
