public import AccountDomain
public import Contracts
public import EventSourcing

/// Holds, captures, releases and refunds money for orders, and ends the reversals of credits that
/// need credit.
public struct BalanceParticipant: Participant {
    /// The events that the participant reacts to.
    public enum Event: PayloadFamily, Hashable {
        /// The order has a route and a total: reserve funds.
        case routeCreated(RouteCreated)
        /// The order was confirmed: capture the payment.
        case orderConfirmed(OrderConfirmed)
        /// The order was rejected: release the funds.
        case orderRejected(OrderRejected)
        /// The order was cancelled after confirmation: refund the payment.
        case orderCancelled(OrderCancelled)
        /// Credit was drawn for a reversal: complete it.
        case reversalCreditDrawn(ReversalCreditDrawn)
        /// Credit was denied to a reversal: reject it.
        case reversalCreditDenied(ReversalCreditDenied)

        /// How the events are decoded.
        public static let cases = PayloadCases([
            .init(Event.routeCreated), .init(Event.orderConfirmed), .init(Event.orderRejected),
            .init(Event.orderCancelled), .init(Event.reversalCreditDrawn),
            .init(Event.reversalCreditDenied),
        ])
    }

    /// Whether the order was rejected or cancelled. A route that arrives afterwards, or again,
    /// holds nothing. The account itself knows what it holds or was paid.
    public enum State: String, Codable, Hashable, Sendable { case open, ended }

    /// The participant's name in the ids of its events.
    public static let name = "balance"
    /// The state before the first event.
    public static let initial = State.open
    /// False, because only `orders` watches deadlines.
    public static let hasDeadlines = false

    /// Creates the participant, which has no settings.
    public init() {}

    /// Returns the id of the event's order. A reversal belongs to no order, so its saga is the
    /// account.
    public static func saga(of event: Event) -> String {
        switch event {
        case .routeCreated(let event): event.order
        case .orderConfirmed(let event): event.order
        case .orderRejected(let event): event.order
        case .orderCancelled(let event): event.order
        case .reversalCreditDrawn(let event): Tag.account(event.customer)
        case .reversalCreditDenied(let event): Tag.account(event.customer)
        }
    }

    /// Returns the tag of the order, or nil for an account, of which nothing is remembered. An
    /// account's saga id has a colon and an order's id has none, so they are never confused.
    public static func tag(of saga: String) -> String? {
        saga.hasPrefix(Tag.account("")) ? nil : Tag.order(saga)
    }

    /// Ends the saga when its order ends.
    public static func evolve(_ state: inout State, with event: Event) {
        switch event {
        case .orderRejected, .orderCancelled: state = .ended
        case .routeCreated, .orderConfirmed, .reversalCreditDrawn, .reversalCreditDenied: break
        }
    }

    /// Returns the account command for the event.
    public func react(to event: Event, given state: State) -> [Account.Command] {
        switch event {
        case .routeCreated(let event):
            guard state == .open else { return [] }
            return [.reserve(account: event.customer, order: event.order, total: event.total)]
        case .orderConfirmed(let event):
            return [.capture(account: event.customer, order: event.order)]
        case .orderRejected(let event):
            return [.release(account: event.customer, order: event.order)]
        case .orderCancelled(let event):
            return [.refund(account: event.customer, order: event.order)]
        case .reversalCreditDrawn(let event):
            return [.completeReversal(account: event.customer, request: event.request)]
        case .reversalCreditDenied(let event):
            return [
                .rejectReversal(
                    account: event.customer, request: event.request, detail: detail(of: event))
            ]
        }
    }

    /// Returns why the reversal is rejected, and to what the limit must be set first.
    private func detail(of event: ReversalCreditDenied) -> String {
        let (customer, required) = (event.customer, event.requiredLimit)
        let state =
            switch event.reason {
            case .noLimit: "\(customer) has no credit limit"
            case .wrongCurrency:
                "the credit limit of \(customer) is in \(event.available.currency)"
            case .limitExceeded:
                "only \(event.available) of the credit limit of \(customer) is left"
            }
        return "\(event.amount) would be owed, but \(state); set the limit to \(required) first: "
            + "creditLimit set \(customer) \(required.amountText) --currency \(required.currency)"
    }
}
