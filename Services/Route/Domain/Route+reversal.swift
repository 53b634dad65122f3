import Contracts
public import EventSourcing

extension Route: Reversible {
    /// Nothing that happens to a route is undone but with its order.
    public static func reversal(of past: PastDecision<Route>) throws(Rejection) -> Command {
        throw .irreversible(past.event.type)
    }
}
