import Contracts
public import EventSourcing

extension CreditLimit: Reversible {
    /// Returns the command that sets the previous limit again.
    ///
    /// - Throws: `Rejection` if the limit was set again since, if there was none before, or for any
    ///   other event.
    public static func reversal(of past: PastDecision<CreditLimit>) throws(Rejection) -> Command {
        guard case .set(let event) = past.event else { throw .irreversible(past.event.type) }
        let sets = past.since.contains { if case .set = $0 { true } else { false } }
        guard !sets else { throw .setSince(event.customer) }
        guard let limit = past.before.limit else { throw .noneBefore(event.customer) }
        return .set(
            SetCreditLimit(customer: event.customer, limit: limit),
            reversing: Reverses(event: past.id, reason: past.reason))
    }
}
