import Contracts
public import EventSourcing

extension Route: Reversible {
    /// Always throws: a route changes with its order only.
    public static func reversal(of past: PastDecision<Route>) throws(Rejection) -> Command {
        throw .irreversible(past.event.type)
    }
}
