import Contracts
public import EventSourcing

extension CreditLimit: Reversible {
    /// Returns the command that sets the previous limit again.
    ///
    /// - Throws: a rejection if the limit was set again since, if there was none before, or for any
    ///   other event.
    public static func reversal(
        of past: PastDecision<CreditLimit>
    ) throws(DaybookError) -> Command {
        guard case .set(let event) = past.event else { throw past.irreversible }
        let customer = event.customer
        let sets = past.since.contains { if case .set = $0 { true } else { false } }
        try require(
            !sets, .rejected,
            "the credit limit of \(customer) was set again since; reverse that, or set a limit")
        let limit = try past.before.limit.orThrow(
            .rejected,
            "\(customer) had no credit limit before; set it to 0 to allow no credit")
        return .set(
            SetCreditLimit(customer: customer, limit: limit),
            reversing: Reverses(event: past.id, reason: past.reason))
    }
}
