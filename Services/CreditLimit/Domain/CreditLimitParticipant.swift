public import Contracts
public import EventSourcing

/// Reserves credit for orders, and updates the limit's use as accounts draw and repay credit.
public struct CreditLimitParticipant: Participant {
    /// The events that the participant reacts to.
    public enum Event: PayloadFamily, Hashable {
        /// Funds are held for the order: reserve credit for the shortfall.
        case fundsReserved(FundsReserved)
        /// The order is paid: draw the reserved credit.
        case paymentCaptured(PaymentCaptured)
        /// The order's payment was refunded: restore what that repaid.
        case paymentRefunded(PaymentRefunded)
        /// The order was rejected: release the reservation.
        case orderRejected(OrderRejected)
        /// Money was paid in: record what it repaid.
        case moneyCredited(MoneyCredited)
        /// The reversal of a credit needs credit: draw it.
        case creditReversalRequested(CreditReversalRequested)

        /// How the events are decoded.
        public static let cases = PayloadCases([
            .init(Event.fundsReserved), .init(Event.paymentCaptured),
            .init(Event.paymentRefunded), .init(Event.orderRejected),
            .init(Event.moneyCredited), .init(Event.creditReversalRequested),
        ])
    }

    /// Whether the order was rejected or paid. A reservation of funds that arrives afterwards, or
    /// again, asks for no credit.
    public enum State: String, Codable, Hashable, Sendable { case open, ended }

    /// The participant's name in the ids of its events.
    public static let name = "creditLimit"
    /// The state before the first event.
    public static let initial = State.open
    /// False, because only `orders` watches deadlines.
    public static let hasDeadlines = false

    /// Creates the participant, which has no settings.
    public init() {}

    /// Returns the id of the event's order. Money that is paid in, and its reversal, belong to no
    /// order, so their saga is the account.
    public static func saga(of event: Event) -> String {
        switch event {
        case .fundsReserved(let event): event.order
        case .paymentCaptured(let event): event.order
        case .paymentRefunded(let event): event.order
        case .orderRejected(let event): event.order
        case .moneyCredited(let event): Tag.account(event.account)
        case .creditReversalRequested(let event): Tag.account(event.account)
        }
    }

    /// Returns the tag of the order, or nil for an account, of which nothing is remembered. An
    /// account's saga id has a colon and an order's id has none, so they are never confused.
    public static func tag(of saga: String) -> String? {
        saga.hasPrefix(Tag.account("")) ? nil : Tag.order(saga)
    }

    /// Ends the saga when its order is rejected or paid.
    public static func evolve(_ state: inout State, with event: Event) {
        switch event {
        case .orderRejected, .paymentCaptured: state = .ended
        case .fundsReserved, .paymentRefunded, .moneyCredited, .creditReversalRequested: break
        }
    }

    /// Returns the credit limit command for the event.
    public func react(to event: Event, given state: State) -> [CreditLimit.Command] {
        switch event {
        case .fundsReserved(let event):
            guard state == .open else { return [] }
            return [
                .reserve(customer: event.account, order: event.order, amount: event.shortfall)
            ]
        case .paymentCaptured(let event):
            return [.draw(customer: event.account, order: event.order)]
        case .paymentRefunded(let event):
            return [.restore(customer: event.account, order: event.order, amount: event.repaid)]
        case .orderRejected(let event):
            return [.release(customer: event.customer, order: event.order)]
        case .moneyCredited(let event):
            // Most credits repay nothing, and a command would cost a read of the limit's stream.
            guard event.repaid.amount > 0 else { return [] }
            return [.repay(customer: event.account, amount: event.repaid)]
        case .creditReversalRequested(let event):
            return [
                .drawForReversal(
                    customer: event.account, request: event.request, amount: event.shortfall)
            ]
        }
    }
}
