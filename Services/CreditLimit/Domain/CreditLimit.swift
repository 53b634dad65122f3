public import Contracts
public import EventSourcing

/// A customer's credit limit and its use.
///
/// `reserved` is set aside for open orders. `used` is drawn and not repaid. At every revision,
/// reserved + used ≤ limit. An order that needs no credit is reserved with zero, even without a
/// limit. Amounts are in minor units of the limit's currency.
public enum CreditLimit: Aggregate {
    /// The events of a credit limit's stream.
    public typealias Event = CreditLimitEvent

    /// What can be asked of a credit limit, by callers and by the saga.
    public enum Command: Hashable, Sendable {
        /// Sets the limit.
        case set(SetCreditLimit, reversing: Reverses? = nil)
        /// Reserves credit for an order. Does nothing if the order has a reservation already.
        case reserve(customer: String, order: String, amount: Money)
        /// Releases the reservation of an order, if there is one.
        case release(customer: String, order: String)
        /// Draws what is reserved for an order.
        case draw(customer: String, order: String)
        /// Records that the refund of an order has repaid the amount.
        case restore(customer: String, order: String, amount: Money)
        /// Records that money paid in has repaid the amount.
        case repay(customer: String, amount: Money)
    }

    /// The state of a credit limit, folded from its events.
    public struct State: Codable, Hashable, Sendable {
        /// The limit, or nil until it is set.
        public var limit: Money?
        /// The reservations that are neither drawn nor released, by order.
        public var reservations: [String: Money] = [:]
        /// The sum of the reservations.
        public var reserved: Int64 = 0
        /// The credit that was drawn and not repaid. It is negative only if a repayment arrives
        /// before the draw that it repays.
        public var used: Int64 = 0

        /// The sum of the reserved and used amounts, in minor units.
        var inUse: Int64 { reserved.adding(used) }

        /// The part of the limit that is neither reserved nor used.
        public var available: Int64 { (limit?.amount ?? 0).subtracting(inUse) }
    }

    /// The category of the streams `creditLimit-<id>`.
    public static let category = "creditLimit"
    /// The state of a customer without a limit.
    public static let initial = State()

    /// Returns the id of the command's customer.
    public static func id(of command: Command) -> String {
        switch command {
        case .set(let command, _): command.customer
        case .reserve(let customer, _, _), .release(let customer, _), .draw(let customer, _),
            .restore(let customer, _, _), .repay(let customer, _):
            customer
        }
    }

    /// Returns the events that `command` leads to. Returns none if a saga's command has nothing to
    /// do.
    ///
    /// - Throws: `Rejection` if a limit can't be set. A saga's command never throws: a denial is an
    ///   event, because others react to it.
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

    /// Applies `event` to the state.
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
    /// Returns why the limit can't have had `event` in `state`, or nil if it can.
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

    /// Why the credit limit rejects a command.
    public enum Rejection: Error, Hashable, CustomStringConvertible {
        /// The customer id is invalid.
        case badID(DaybookError)
        /// The limit is negative, or above the largest amount.
        case badLimit(customer: String, limit: Money)
        /// The limit is below what is reserved and used.
        case belowUse(customer: String, limit: Money, reserved: Money, used: Money)
        /// The currency can't change while credit is reserved or used.
        case currencyInUse(customer: String, limit: Money, reserved: Money, used: Money)
        /// The limit of this customer was set again after the event to reverse.
        case setSince(String)
        /// This customer had no limit before the event to reverse.
        case noneBefore(String)
        /// Events of this type can't be reversed.
        case irreversible(String)

        /// A message of one line for the caller.
        public var description: String {
            switch self {
            case .badID(let error): error.description
            case .setSince(let customer):
                "the credit limit of \(customer) was set again since; reverse that, or set a limit"
            case .noneBefore(let customer):
                "\(customer) had no credit limit before; set it to 0 to allow no credit"
            case .irreversible(let type): "\(type) can't be reversed"
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
