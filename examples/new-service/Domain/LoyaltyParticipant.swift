public import Contracts
public import EventSourcing

/// Gives points for payments, and takes them back for refunds.
public struct LoyaltyParticipant: Participant {
    /// The events that the participant reacts to.
    public enum Event: PayloadFamily, Hashable {
        /// An order was paid: earn points.
        case captured(PaymentCaptured)
        /// An order was refunded: take its points back.
        case refunded(PaymentRefunded)

        /// How the events are decoded.
        public static let cases = PayloadCases([.init(Event.captured), .init(Event.refunded)])
    }

    /// Whether the order was refunded. A payment that arrives again afterwards earns nothing.
    public enum State: String, Codable, Hashable, Sendable { case open, refunded }

    /// The participant's name in the ids of its events.
    public static let name = "loyalty"
    /// The state before the first event.
    public static let initial = State.open
    /// False, because the service waits for nothing.
    public static let hasDeadlines = false

    /// Creates the participant, which has no settings.
    public init() {}

    /// Returns the id of the event's order.
    public static func saga(of event: Event) -> String {
        switch event {
        case .captured(let event): event.order
        case .refunded(let event): event.order
        }
    }

    /// Returns the tag of the order.
    public static func tag(of saga: String) -> String? { Tag.order(saga) }

    /// Ends the saga when its order is refunded.
    public static func evolve(_ state: inout State, with event: Event) {
        if case .refunded = event { state = .refunded }
    }

    /// Returns the card command for the event.
    public func react(to event: Event, given state: State) -> [Card.Command] {
        switch event {
        case .captured(let event):
            guard state == .open else { return [] }
            let earn = EarnPoints(
                customer: event.account, order: event.order, paid: event.total)
            return [.earn(earn)]
        case .refunded(let event):
            return [.revoke(customer: event.account, order: event.order)]
        }
    }
}
