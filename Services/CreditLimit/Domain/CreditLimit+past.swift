public import Contracts
public import EventSourcing

extension CreditLimit: Reversible {
    /// The limit goes back to what it was before.
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

extension CreditLimit {
    public static func objection(to event: CreditLimitEvent, given state: State) -> String? {
        switch event {
        case .set(let event):
            guard state.reserved + state.used > event.limit.amount else { return nil }
            return Rejection.belowUse(
                customer: event.customer, limit: event.limit,
                reserved: Money(state.reserved, event.limit.currency),
                used: Money(state.used, event.limit.currency)
            ).description
        case .reserved(let event):
            guard event.amount.amount > 0, event.amount.amount > state.available else { return nil }
            let available = Money(state.available, event.amount.currency)
            return "\(available) of the limit is left, less than \(event.amount)"
        case .released(let event):
            return objection(toSettling: event.order, state)
        case .drawn(let event):
            return objection(toSettling: event.order, state)
        case .denied, .restored, .repaid:
            return nil
        }
    }

    private static func objection(toSettling order: String, _ state: State) -> String? {
        state.reservations[order] == nil ? "nothing is reserved for order \(order)" : nil
    }

    public enum Rejection: Error, Hashable, CustomStringConvertible {
        case badID(IdentifierError)
        case badLimit(customer: String, limit: Money)
        case belowUse(customer: String, limit: Money, reserved: Money, used: Money)
        case currencyInUse(customer: String, limit: Money, reserved: Money, used: Money)
        case setSince(String)
        case noneBefore(String)
        case irreversible(String)

        public var description: String {
            switch self {
            case .badID(let error): error.description
            case .setSince(let customer):
                "the credit limit of \(customer) has been set since: reverse that, or set it anew"
            case .noneBefore(let customer):
                "\(customer) had no credit limit before; set it to 0 if there is to be none"
            case .irreversible(let type): "nothing undoes \(type)"
            case .badLimit(let customer, let limit):
                "\(limit) can't be the credit limit of \(customer): it must be 0 up to "
                    + "\(Money(Money.largest, limit.currency))"
            case .belowUse(let customer, let limit, let reserved, let used):
                "the credit limit of \(customer) can't be \(limit): \(reserved) is reserved and "
                    + "\(used) is used"
            case .currencyInUse(let customer, let limit, let reserved, let used):
                "the credit limit of \(customer) can't become \(limit), in another currency, while "
                    + "\(reserved) is reserved and \(used) is used"
            }
        }
    }
}
