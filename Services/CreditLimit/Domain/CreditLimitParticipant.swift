public import Contracts
public import EventSourcing

/// Sets credit aside for orders, and follows in the limit what accounts come to owe and repay.
public struct CreditLimitParticipant: Participant {
    public enum Event: PayloadFamily, Hashable {
        case fundsReserved(FundsReserved)
        case paymentCaptured(PaymentCaptured)
        case paymentRefunded(PaymentRefunded)
        case orderRejected(OrderRejected)
        case moneyCredited(MoneyCredited)

        public static let cases = PayloadCases([
            .init(Event.fundsReserved), .init(Event.paymentCaptured),
            .init(Event.paymentRefunded), .init(Event.orderRejected),
            .init(Event.moneyCredited),
        ])
    }

    /// Whether the order has been rejected or paid: funds reserved for it that are heard of later,
    /// or again, ask for no credit.
    public enum State: String, Codable, Hashable, Sendable { case open, ended }

    public static let name = "creditLimit"
    public static let initial = State.open
    public static let hasDeadlines = false

    public init() {}

    /// The order; for money that comes in, which belongs to no order, the account.
    public static func saga(of event: Event) -> String {
        switch event {
        case .fundsReserved(let event): event.order
        case .paymentCaptured(let event): event.order
        case .paymentRefunded(let event): event.order
        case .orderRejected(let event): event.order
        case .moneyCredited(let event): Tag.account(event.account)
        }
    }

    /// Nil for an account, of which nothing is remembered. An account's saga id has a colon and an
    /// order's id has none, so they are never confused.
    public static func tag(of saga: String) -> String? {
        saga.hasPrefix(Tag.account("")) ? nil : Tag.order(saga)
    }

    public static func evolve(_ state: inout State, with event: Event) {
        switch event {
        case .orderRejected, .paymentCaptured: state = .ended
        case .fundsReserved, .paymentRefunded, .moneyCredited: break
        }
    }

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
        }
    }
}
