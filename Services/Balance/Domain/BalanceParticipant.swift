public import AccountDomain
public import Contracts
public import EventSourcing

/// Holds, captures, frees and refunds money as orders go their way.
public struct BalanceParticipant: Participant {
    public enum Event: PayloadFamily, Hashable {
        case routeCreated(RouteCreated)
        case orderConfirmed(OrderConfirmed)
        case orderRejected(OrderRejected)
        case orderCancelled(OrderCancelled)

        public static let cases = PayloadCases([
            .init(Event.routeCreated), .init(Event.orderConfirmed), .init(Event.orderRejected),
            .init(Event.orderCancelled),
        ])
    }

    /// Whether the order has been rejected or cancelled: a route that comes later, or again, holds
    /// nothing. Until then the account itself knows what it holds or was paid.
    public enum State: String, Codable, Hashable, Sendable { case open, ended }

    public static let name = "balance"
    public static let initial = State.open
    public static let hasDeadlines = false

    public init() {}

    public static func saga(of event: Event) -> String {
        switch event {
        case .routeCreated(let event): event.order
        case .orderConfirmed(let event): event.order
        case .orderRejected(let event): event.order
        case .orderCancelled(let event): event.order
        }
    }

    public static func tag(of saga: String) -> String? { Tag.order(saga) }

    public static func evolve(_ state: inout State, with event: Event) {
        switch event {
        case .orderRejected, .orderCancelled: state = .ended
        case .routeCreated, .orderConfirmed: break
        }
    }

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
