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
        /// Draws credit for the reversal of a credit. Does nothing if the request was decided.
        case drawForReversal(customer: String, request: Int, amount: Money)
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
        /// The requests for the reversal of a credit that were decided.
        public var decidedRequests: Set<Int> = []

        /// The sum of the reserved and used amounts, in minor units.
        var inUse: Int64 { reserved.adding(used) }

        /// The part of the limit that is neither reserved nor used.
        public var available: Int64 { (limit?.amount ?? 0).subtracting(inUse) }
    }

    /// The category of the streams `creditLimit-<id>`.
    public static let category = "creditLimit"
    /// The state of a customer without a limit.
    public static let initial = State()
    /// Version 2 added the decided requests.
    public static let stateVersion = 2

    /// Returns the id of the command's customer.
    public static func id(of command: Command) -> String {
        switch command {
        case .set(let command, _): command.customer
        case .reserve(let customer, _, _), .release(let customer, _), .draw(let customer, _),
            .restore(let customer, _, _), .repay(let customer, _),
            .drawForReversal(let customer, _, _):
            customer
        }
    }

    /// Returns the events that `command` leads to. Returns none if a saga's command has nothing to
    /// do.
    ///
    /// - Throws: the reason why a limit can't be set. A saga's command never throws: a denial is an
    ///   event, because others react to it.
    public static func decide(
        _ command: Command, given state: State
    ) throws(DaybookError) -> [CreditLimitEvent] {
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
        case .drawForReversal(let customer, let request, let amount):
            return draw(amount, forReversal: request, of: customer, given: state)
        }
    }

    private static func set(
        _ command: SetCreditLimit, reversing reverses: Reverses?, given state: State
    ) throws(DaybookError) -> CreditLimitSet {
        let (customer, limit) = (command.customer, command.limit)
        try Identifier.check(customer, what: "customer id")
        try require(
            limit.amount >= 0 && limit.isInRange, .rejected,
            "\(limit) can't be the credit limit of \(customer): it must be 0 up to "
                + "\(Money(Money.largest, limit.currency))")
        if let currency = state.limit?.currency, currency != limit.currency,
            state.reserved != 0 || state.used != 0
        {
            throw .rejected(
                "the credit limit of \(customer) can't become \(limit), in another currency, while "
                    + "\(Money(state.reserved, currency)) is reserved and "
                    + "\(Money(state.used, currency)) is used")
        }
        guard state.inUse <= limit.amount else { throw belowUse(limit, of: customer, state) }
        return CreditLimitSet(customer: customer, limit: limit, reverses: reverses)
    }

    private static func reserve(
        _ amount: Money, for order: String, of customer: String, given state: State
    ) -> [CreditLimitEvent] {
        guard state.reservations[order] == nil else { return [] }
        func denied(_ reason: CreditDenied.Reason) -> [CreditLimitEvent] {
            let available = Money(
                clamping: state.available, state.limit?.currency ?? amount.currency)
            let denied = CreditDenied(
                customer: customer, order: order, amount: amount, available: available,
                reason: reason)
            return [.denied(denied)]
        }
        if amount.amount > 0, let reason = denial(of: amount, given: state) {
            return denied(reason)
        }
        return [.reserved(CreditReserved(customer: customer, order: order, amount: amount))]
    }

    /// Returns why the customer can't have that much more credit, or nil.
    private static func denial(of amount: Money, given state: State) -> CreditDenied.Reason? {
        guard let limit = state.limit else { return .noLimit }
        guard limit.currency == amount.currency else { return .wrongCurrency }
        return amount.amount <= state.available ? nil : .limitExceeded
    }

    /// Draws at once what the reversal needs. Nothing can make the reversal fail afterwards, so it
    /// needs no reservation first.
    private static func draw(
        _ amount: Money, forReversal request: Int, of customer: String, given state: State
    ) -> [CreditLimitEvent] {
        guard !state.decidedRequests.contains(request), amount.amount > 0 else { return [] }
        guard let reason = denial(of: amount, given: state) else {
            let drawn = ReversalCreditDrawn(customer: customer, request: request, amount: amount)
            return [.reversalDrawn(drawn)]
        }
        // A limit in another currency can only be replaced while none of it is in use.
        let inUse = reason == .wrongCurrency ? 0 : state.inUse
        let denied = ReversalCreditDenied(
            customer: customer, request: request, amount: amount,
            available: Money(clamping: state.available, state.limit?.currency ?? amount.currency),
            requiredLimit: Money(clamping: inUse.adding(amount.amount), amount.currency),
            reason: reason)
        return [.reversalDenied(denied)]
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
        case .reversalDrawn(let event):
            state.decidedRequests.insert(event.request)
            state.used.add(event.amount.amount)
        case .reversalDenied(let event):
            state.decidedRequests.insert(event.request)
        }
    }
}

extension CreditLimit {
    /// Returns why the limit can't have had `event` in `state`, or nil if it can.
    public static func objection(to event: CreditLimitEvent, given state: State) -> String? {
        switch event {
        case .set(let event):
            guard state.inUse > event.limit.amount else { return nil }
            return belowUse(event.limit, of: event.customer, state).description
        case .reserved(let event):
            return objection(toUsing: event.amount, state)
        case .reversalDrawn(let event):
            return objection(toUsing: event.amount, state)
        case .released(let event):
            return objection(toEndingReservationFor: event.order, state)
        case .drawn(let event):
            return objection(toEndingReservationFor: event.order, state)
        case .denied, .restored, .repaid, .reversalDenied:
            return nil
        }
    }

    private static func objection(toUsing amount: Money, _ state: State) -> String? {
        guard amount.amount > 0, amount.amount > state.available else { return nil }
        let available = Money(state.available, amount.currency)
        return "\(available) of the limit is left, less than \(amount)"
    }

    private static func objection(toEndingReservationFor order: String, _ state: State) -> String? {
        state.reservations[order] == nil ? "nothing is reserved for order \(order)" : nil
    }

    private static func belowUse(
        _ limit: Money, of customer: String, _ state: State
    ) -> DaybookError {
        .rejected(
            "the credit limit of \(customer) can't be \(limit): "
                + "\(Money(state.reserved, limit.currency)) is reserved and "
                + "\(Money(state.used, limit.currency)) is used")
    }
}
