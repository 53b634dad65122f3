public import AccountDomain
public import Contracts
public import EventSourcing

/// Holds, captures, releases and refunds money for orders.
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

        /// How the events are decoded.
        public static let cases = PayloadCases([
            .init(Event.routeCreated), .init(Event.orderConfirmed), .init(Event.orderRejected),
            .init(Event.orderCancelled),
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

    /// Returns the id of the event's order.
    public static func saga(of event: Event) -> String {
        switch event {
        case .routeCreated(let event): event.order
        case .orderConfirmed(let event): event.order
        case .orderRejected(let event): event.order
        case .orderCancelled(let event): event.order
        }
    }

    /// Returns the tag of the order.
    public static func tag(of saga: String) -> String? { Tag.order(saga) }

    /// Ends the saga when its order ends.
    public static func evolve(_ state: inout State, with event: Event) {
        switch event {
        case .orderRejected, .orderCancelled: state = .ended
        case .routeCreated, .orderConfirmed: break
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
        }
    }
}
