public import Contracts
public import EventSourcing

/// Ends the sagas: an order is confirmed once its money is sure, and rejected when any step was
/// refused or the deadline passed.
public struct OrdersParticipant: Participant {
    public enum Event: PayloadFamily, Hashable {
        case placed(OrderPlaced)
        case confirmed(OrderConfirmed)
        case rejected(OrderRejected)
        case routeRejected(RouteRejected)
        case fundsRefused(FundsRefused)
        case creditReserved(CreditReserved)
        case creditDenied(CreditDenied)

        public static let cases = PayloadCases([
            .init(Event.placed), .init(Event.confirmed), .init(Event.rejected),
            .init(Event.routeRejected), .init(Event.fundsRefused), .init(Event.creditReserved),
            .init(Event.creditDenied),
        ])
    }

    public enum State: Codable, Hashable, Sendable {
        case unknown
        case pending(order: String, deadline: Timestamp)
        case ended
    }

    public static let name = "orders"
    public static let initial = State.unknown

    public init() {}

    public static func saga(of event: Event) -> String {
        switch event {
        case .placed(let event): event.order
        case .confirmed(let event): event.order
        case .rejected(let event): event.order
        case .routeRejected(let event): event.order
        case .fundsRefused(let event): event.order
        case .creditReserved(let event): event.order
        case .creditDenied(let event): event.order
        }
    }

    public static func tag(of saga: String) -> String? { Tag.order(saga) }

    public static func evolve(_ state: inout State, with event: Event) {
        switch event {
        case .placed(let event):
            guard state == .unknown else { return }
            state = .pending(order: event.order, deadline: event.deadline)
        case .confirmed, .rejected: state = .ended
        case .routeRejected, .fundsRefused, .creditReserved, .creditDenied: break
        }
    }

    /// The order itself knows whether it is still pending; what comes too late changes nothing.
    public func react(to event: Event, given state: State) -> [Orders.Command] {
        switch event {
        case .placed, .confirmed, .rejected:
            []
        case .routeRejected(let event):
            [.reject(order: event.order, reason: .routeRejected, detail: event.detail)]
        case .fundsRefused(let event):
            [.reject(order: event.order, reason: .fundsRefused, detail: event.detail)]
        case .creditDenied(let event):
            [
                .reject(
                    order: event.order, reason: .creditDenied,
                    detail: "\(event.amount) asked, \(event.available) available")
            ]
        case .creditReserved(let event):
            [.confirm(order: event.order)]
        }
    }

    public static func deadline(of state: State) -> Timestamp? {
        guard case .pending(_, let deadline) = state else { return nil }
        return deadline
    }

    public func expire(_ state: State) -> [Orders.Command] {
        guard case .pending(let order, let deadline) = state else { return [] }
        return [
            .reject(
                order: order, reason: .deadlinePassed,
                detail: "the saga had not ended by \(deadline)")
        ]
    }
}
