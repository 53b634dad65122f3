public import Contracts
public import EventSourcing

/// Ends the sagas. Confirms an order once its credit is reserved. Rejects it if a step was refused
/// or the deadline has passed.
public struct OrdersParticipant: Participant {
    /// The events that the participant reacts to or remembers.
    public enum Event: PayloadFamily, Hashable {
        /// The order was placed: remember its deadline.
        case placed(OrderPlaced)
        /// The order was confirmed: the saga has ended.
        case confirmed(OrderConfirmed)
        /// The order was rejected: the saga has ended.
        case rejected(OrderRejected)
        /// The order can't be sent: reject it.
        case routeRejected(RouteRejected)
        /// The account can't pay for the order: reject it.
        case fundsRefused(FundsRefused)
        /// The order's money is reserved: confirm it.
        case creditReserved(CreditReserved)
        /// The credit limit is too low: reject the order.
        case creditDenied(CreditDenied)

        /// How the events are decoded.
        public static let cases = PayloadCases([
            .init(Event.placed), .init(Event.confirmed), .init(Event.rejected),
            .init(Event.routeRejected), .init(Event.fundsRefused), .init(Event.creditReserved),
            .init(Event.creditDenied),
        ])
    }

    /// What the participant remembers of a saga.
    public enum State: Codable, Hashable, Sendable {
        /// The order was not placed yet.
        case unknown
        /// The order waits for its outcome until the deadline.
        case pending(order: String, deadline: Timestamp)
        /// The order was confirmed or rejected.
        case ended
    }

    /// The participant's name in the ids of its events.
    public static let name = "orders"
    /// The state before the first event.
    public static let initial = State.unknown

    /// Creates the participant, which has no settings.
    public init() {}

    /// Returns the id of the event's order.
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

    /// Returns the tag of the order.
    public static func tag(of saga: String) -> String? { Tag.order(saga) }

    /// Remembers the deadline when the order is placed, and ends the saga with the order.
    public static func evolve(_ state: inout State, with event: Event) {
        switch event {
        case .placed(let event):
            guard state == .unknown else { return }
            state = .pending(order: event.order, deadline: event.deadline)
        case .confirmed, .rejected: state = .ended
        case .routeRejected, .fundsRefused, .creditReserved, .creditDenied: break
        }
    }

    /// Returns the order command for the event. The order itself knows whether it is still pending,
    /// so a late event changes nothing.
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

    /// Returns the deadline of a pending order.
    public static func deadline(of state: State) -> Timestamp? {
        guard case .pending(_, let deadline) = state else { return nil }
        return deadline
    }

    /// Returns the command that rejects a pending order whose deadline has passed.
    public func expire(_ state: State) -> [Orders.Command] {
        guard case .pending(let order, let deadline) = state else { return [] }
        return [
            .reject(
                order: order, reason: .deadlinePassed,
                detail: "the saga had not ended by \(deadline)")
        ]
    }
}
