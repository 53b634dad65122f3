public import Contracts
public import EventSourcing

/// How much credit a customer has.
///
/// `reserved` is set aside for open orders, `used` is drawn and not repaid. At every revision,
/// reserved + used ≤ limit. Orders that need no credit are reserved with zero, limit or not.
public enum CreditLimit: Aggregate {
    public typealias Event = CreditLimitEvent

    public enum Command: Hashable, Sendable {
        case set(SetCreditLimit, reversing: Reverses? = nil)
        /// Nothing to do for an order that has a reservation already.
        case reserve(customer: String, order: String, amount: Money)
        /// Make available again what is reserved for an order, if anything is.
        case release(customer: String, order: String)
        /// Use what is reserved for an order.
        case draw(customer: String, order: String)
        /// The refund of an order has repaid so much.
        case restore(customer: String, order: String, amount: Money)
        /// Money that came in has repaid so much.
        case repay(customer: String, amount: Money)
    }

    public struct State: Codable, Hashable, Sendable {
        /// Nil until it is set.
        public var limit: Money?
        /// By order, those not yet drawn or released.
        public var reservations: [String: Money] = [:]
        /// The sum of the reservations.
        public var reserved: Int64 = 0
        /// Negative only if a repayment is heard of before the draw that it repays.
        public var used: Int64 = 0

        /// The sum of the reserved and used amounts, in minor units.
        var inUse: Int64 { reserved.adding(used) }

        public var available: Int64 { (limit?.amount ?? 0).subtracting(inUse) }
    }

    public static let category = "creditLimit"
    public static let initial = State()

    public static func id(of command: Command) -> String {
        switch command {
        case .set(let command, _): command.customer
        case .reserve(let customer, _, _), .release(let customer, _), .draw(let customer, _),
            .restore(let customer, _, _), .repay(let customer, _):
            customer
        }
    }

    public static func decide(
        _ command: Command, given state: State
    ) throws(Rejection) -> [CreditLimitEvent] {
        switch command {
        case .set(let command, let reverses):
            return [.set(try set(command, reversing: reverses, given: state))]
        case .reserve(let customer, let order, let amount):
            return reserve(amount, for: order, of: customer, given: state)
        case .release(let customer, let order):
            return state.reservations[order].map {
                [.released(CreditReleased(customer: customer, order: order, amount: $0))]
            } ?? []
        case .draw(let customer, let order):
            return state.reservations[order].map {
                [.drawn(CreditDrawn(customer: customer, order: order, amount: $0))]
            } ?? []
        case .restore(let customer, let order, let amount):
            guard amount.amount > 0 else { return [] }
            return [.restored(CreditRestored(customer: customer, order: order, amount: amount))]
        case .repay(let customer, let amount):
            guard amount.amount > 0 else { return [] }
            return [.repaid(CreditRepaid(customer: customer, amount: amount))]
        }
    }

    private static func set(
        _ command: SetCreditLimit, reversing reverses: Reverses?, given state: State
    ) throws(Rejection) -> CreditLimitSet {
        let limit = command.limit
        do {
            try Identifier.check(command.customer, what: "customer id")
        } catch {
            throw .badID(error)
        }
        guard limit.amount >= 0, limit.isInRange else {
            throw .badLimit(customer: command.customer, limit: limit)
        }
        if let currency = state.limit?.currency, currency != limit.currency,
            state.reserved != 0 || state.used != 0
        {
            throw .currencyInUse(
                customer: command.customer, limit: limit,
                reserved: Money(state.reserved, currency), used: Money(state.used, currency))
        }
        guard state.inUse <= limit.amount else {
            throw .belowUse(
                customer: command.customer, limit: limit,
                reserved: Money(state.reserved, limit.currency),
                used: Money(state.used, limit.currency))
        }
        return CreditLimitSet(customer: command.customer, limit: limit, reverses: reverses)
    }

    private static func reserve(
        _ amount: Money, for order: String, of customer: String, given state: State
    ) -> [CreditLimitEvent] {
        guard state.reservations[order] == nil else { return [] }
        func denied(_ reason: CreditDenied.Reason) -> [CreditLimitEvent] {
            let currency = state.limit?.currency ?? amount.currency
            return [
                .denied(
                    CreditDenied(
                        customer: customer, order: order, amount: amount,
                        available: Money(clamping: state.available, currency), reason: reason))
            ]
        }
        if amount.amount > 0 {
            guard let limit = state.limit else { return denied(.noLimit) }
            guard limit.currency == amount.currency else { return denied(.wrongCurrency) }
            guard amount.amount <= state.available else { return denied(.limitExceeded) }
        }
        return [.reserved(CreditReserved(customer: customer, order: order, amount: amount))]
    }

    public static func evolve(_ state: inout State, with event: CreditLimitEvent) {
        switch event {
        case .set(let event):
            state.limit = event.limit
        case .reserved(let event):
            state.reservations[event.order] = event.amount
            state.reserved.add(event.amount.amount)
        case .denied:
            break
        case .released(let event):
            state.reservations[event.order] = nil
            state.reserved.subtract(event.amount.amount)
        case .drawn(let event):
            state.reservations[event.order] = nil
            state.reserved.subtract(event.amount.amount)
            state.used.add(event.amount.amount)
        case .restored(let event):
            state.used.subtract(event.amount.amount)
        case .repaid(let event):
            state.used.subtract(event.amount.amount)
        }
    }
}

extension CreditLimit {
    public static func objection(to event: CreditLimitEvent, given state: State) -> String? {
        switch event {
        case .set(let event):
            guard state.inUse > event.limit.amount else { return nil }
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
        case badID(DaybookError)
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
