public import Contracts
public import EventSourcing

/// Gives points for what is paid, and takes them back with what is refunded.
public struct LoyaltyParticipant: Participant {
    public enum Event: PayloadFamily, Hashable {
        case captured(PaymentCaptured)
        case refunded(PaymentRefunded)

        public static let cases = PayloadCases([.init(Event.captured), .init(Event.refunded)])
    }

    /// Whether the order was refunded: a payment that is heard of again then earns nothing.
    public enum State: String, Codable, Hashable, Sendable { case open, refunded }

    public static let name = "loyalty"
    public static let initial = State.open
    public static let hasDeadlines = false

    public init() {}

    public static func saga(of event: Event) -> String {
        switch event {
        case .captured(let event): event.order
        case .refunded(let event): event.order
        }
    }

    public static func tag(of saga: String) -> String? { Tag.order(saga) }

    public static func evolve(_ state: inout State, with event: Event) {
        if case .refunded = event { state = .refunded }
    }

    public func react(to event: Event, given state: State) -> [Card.Command] {
        switch event {
        case .captured(let event):
            guard state == .open else { return [] }
            return [.earn(customer: event.account, order: event.order, paid: event.total)]
        case .refunded(let event):
            return [.revoke(customer: event.account, order: event.order)]
        }
    }
}
