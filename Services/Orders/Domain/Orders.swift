public import Contracts
public import EventSourcing

/// An order: pending when placed, then confirmed or rejected; a confirmed one may be cancelled.
public enum Orders: Aggregate {
    public typealias Event = OrderEvent

    public enum Command: Hashable, Sendable {
        case place(PlaceOrder)
        case cancel(CancelOrder, reversing: Reverses? = nil)
        /// Confirms a pending order, or rejects it if its deadline has passed. Does nothing if the
        /// order has ended. The runtime sets `at`, the time of the decision.
        case confirm(order: String, at: Timestamp? = nil)
        /// Does nothing unless the order is pending.
        case reject(order: String, reason: OrderRejected.Reason, detail: String)
    }

    public enum State: Codable, Hashable, Sendable {
        case unknown
        case pending(customer: String, deadline: Timestamp)
        case confirmed(customer: String)
        case rejected(OrderRejected.Reason)
        case cancelled
    }

    public static let category = "order"
    public static let initial = State.unknown
    /// Version 2 added the deadline of a pending order.
    public static let stateVersion = 2

    public static func id(of command: Command) -> String {
        switch command {
        case .place(let command): command.order
        case .cancel(let command, _): command.order
        case .confirm(let order, _), .reject(let order, _, _): order
        }
    }

    public static func timed(_ command: Command) -> ((Timestamp) -> Command)? {
        guard case .confirm(let order, _) = command else { return nil }
        return { .confirm(order: order, at: $0) }
    }

    public static func decide(
        _ command: Command, given state: State
    ) throws(Rejection) -> [OrderEvent] {
        switch (command, state) {
        case (.place(let command), .unknown):
            [.placed(try place(command))]
        case (.place(let command), _):
            throw .alreadyPlaced(command.order)
        case (.confirm(let order, let time), .pending(let customer, let deadline)):
            [try confirm(order, of: customer, by: deadline, at: time)]
        case (.reject(let order, let reason, let detail), .pending(let customer, _)):
            [
                .rejected(
                    OrderRejected(order: order, customer: customer, reason: reason, detail: detail))
            ]
        case (.confirm, _), (.reject, _):
            []
        case (.cancel(let command, let reverses), .pending(let customer, _)):
            [
                .rejected(
                    OrderRejected(
                        order: command.order, customer: customer, reason: .cancelledByCustomer,
                        detail: reverses?.reason ?? "", reverses: reverses))
            ]
        case (.cancel(let command, let reverses), .confirmed(let customer)):
            [
                .cancelled(
                    OrderCancelled(order: command.order, customer: customer, reverses: reverses))
            ]
        case (.cancel(_, nil), .cancelled), (.cancel(_, nil), .rejected(.cancelledByCustomer)):
            []
        case (.cancel(let command, _), .cancelled):
            throw .alreadyCancelled(command.order)
        case (.cancel(let command, _), .rejected(let reason)):
            throw .alreadyRejected(command.order, reason)
        case (.cancel(let command, _), .unknown):
            throw .noSuchOrder(command.order)
        }
    }

    public static func evolve(_ state: inout State, with event: OrderEvent) {
        switch event {
        case .placed(let event):
            state = .pending(customer: event.customer, deadline: event.deadline)
        case .confirmed(let event): state = .confirmed(customer: event.customer)
        case .rejected(let event): state = .rejected(event.reason)
        case .cancelled: state = .cancelled
        }
    }

    public static func objection(to event: OrderEvent, given state: State) -> String? {
        switch (event, state) {
        case (.placed, .unknown), (.confirmed, .pending), (.rejected, .pending),
            (.cancelled, .confirmed):
            nil
        case (_, .unknown): "the order is not placed"
        case (_, .pending): "the order is pending"
        case (_, .confirmed): "the order is confirmed"
        case (_, .rejected): "the order is rejected"
        case (_, .cancelled): "the order is cancelled"
        }
    }

    private static func confirm(
        _ order: String, of customer: String, by deadline: Timestamp, at time: Timestamp?
    ) throws(Rejection) -> OrderEvent {
        guard let time else { throw .noTime(order) }
        guard time < deadline else {
            return .rejected(
                OrderRejected(
                    order: order, customer: customer, reason: .deadlinePassed,
                    detail:
                        "credit was reserved, but the deadline \(deadline) had passed at \(time)"))
        }
        return .confirmed(OrderConfirmed(order: order, customer: customer))
    }

    /// The longest code of a hub, in bytes. It is limited because other services repeat the code in
    /// their events.
    private static let hubBytes = 64

    private static func place(_ command: PlaceOrder) throws(Rejection) -> OrderPlaced {
        do {
            try Identifier.check(command.order, what: "order id")
            try Identifier.check(command.customer, what: "customer id")
        } catch {
            throw .badID(error)
        }
        for hub in [command.origin, command.destination] {
            guard let hub, hub.utf8.count > Self.hubBytes else { continue }
            throw .badHub(command.order, hub)
        }
        guard command.deadline > command.placedAt else {
            throw .deadlineBeforePlacing(
                command.order, deadline: command.deadline, placedAt: command.placedAt)
        }
        return OrderPlaced(
            order: command.order, customer: command.customer, items: command.items,
            itemsTotal: try total(of: command), origin: command.origin,
            destination: command.destination, placedAt: command.placedAt,
            deadline: command.deadline)
    }

    private static func total(of command: PlaceOrder) throws(Rejection) -> Money {
        guard let currency = command.items.first?.unitPrice.currency else {
            throw .noItems(command.order)
        }
        var total = Money(0, currency)
        for item in command.items {
            guard !item.sku.isEmpty else { throw .noSKU(command.order) }
            guard item.quantity > 0 else { throw .badQuantity(command.order, item) }
            guard item.unitPrice.amount >= 0 else { throw .negativePrice(command.order, item) }
            guard item.unitPrice.currency == currency else {
                throw .mixedCurrencies(command.order, currency, item.unitPrice.currency)
            }
            guard let sum = item.unitPrice.times(item.quantity).flatMap(total.adding) else {
                throw .tooExpensive(command.order, currency)
            }
            total = sum
        }
        return total
    }
}

extension Orders {
    public enum Rejection: Error, Hashable, CustomStringConvertible {
        case badID(DaybookError)
        case alreadyPlaced(String)
        case deadlineBeforePlacing(String, deadline: Timestamp, placedAt: Timestamp)
        /// The runtime did not set the time of the decision.
        case noTime(String)
        case badHub(String, String)
        case noItems(String)
        case noSKU(String)
        case badQuantity(String, OrderItem)
        case negativePrice(String, OrderItem)
        case mixedCurrencies(String, Currency, Currency)
        case tooExpensive(String, Currency)
        case noSuchOrder(String)
        case alreadyRejected(String, OrderRejected.Reason)
        case alreadyCancelled(String)

        public var description: String {
            switch self {
            case .badID(let error): error.description
            case .alreadyPlaced(let order): "order \(order) is already placed"
            case .deadlineBeforePlacing(let order, let deadline, let placedAt):
                "order \(order) has its deadline \(deadline) not after \(placedAt), its placing"
            case .noTime(let order):
                "order \(order) can't be confirmed without the time of the decision"
            case .badHub(let order, let hub):
                "order \(order) names the hub '\(hub.prefix(20))…' of \(hub.utf8.count) bytes; "
                    + "a hub's code has up to 64"
            case .noItems(let order): "order \(order) has no items; it needs at least one"
            case .noSKU(let order): "order \(order) has an item without a SKU"
            case .badQuantity(let order, let item):
                "order \(order) has \(item.quantity) of '\(item.sku)'; it needs at least 1"
            case .negativePrice(let order, let item):
                "order \(order) has '\(item.sku)' at \(item.unitPrice); a price is 0 or more"
            case .mixedCurrencies(let order, let first, let other):
                "order \(order) has prices in \(first) and \(other); they must be in one currency"
            case .tooExpensive(let order, let currency):
                "order \(order) comes to more than \(Money(Money.largest, currency)), the largest "
                    + "amount"
            case .noSuchOrder(let order): "there is no order \(order)"
            case .alreadyRejected(let order, let reason):
                "order \(order) can't be cancelled: it was rejected already (\(reason.rawValue))"
            case .alreadyCancelled(let order): "order \(order) is cancelled already"
            }
        }
    }
}
