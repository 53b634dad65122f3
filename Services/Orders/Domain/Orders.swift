public import Contracts
public import EventSourcing

/// An order: pending when placed, then confirmed or rejected; a confirmed one may be cancelled.
public enum Orders: Aggregate {
    public typealias Event = OrderEvent

    public enum Command: Hashable, Sendable {
        case place(PlaceOrder)
        case cancel(CancelOrder, reversing: Reverses? = nil)
        /// Nothing to do unless the order is pending; so for `reject`.
        case confirm(order: String)
        case reject(order: String, reason: OrderRejected.Reason, detail: String)
    }

    public enum State: Codable, Hashable, Sendable {
        case unknown
        case pending(customer: String)
        case confirmed(customer: String)
        case rejected(OrderRejected.Reason)
        case cancelled
    }

    public static let category = "order"
    public static let initial = State.unknown

    public static func id(of command: Command) -> String {
        switch command {
        case .place(let command): command.order
        case .cancel(let command, _): command.order
        case .confirm(let order), .reject(let order, _, _): order
        }
    }

    public static func decide(
        _ command: Command, given state: State
    ) throws(Rejection) -> [OrderEvent] {
        switch (command, state) {
        case (.place(let command), .unknown):
            [.placed(try place(command))]
        case (.place(let command), _):
            throw .alreadyPlaced(command.order)
        case (.confirm(let order), .pending(let customer)):
            [.confirmed(OrderConfirmed(order: order, customer: customer))]
        case (.reject(let order, let reason, let detail), .pending(let customer)):
            [
                .rejected(
                    OrderRejected(order: order, customer: customer, reason: reason, detail: detail))
            ]
        case (.confirm, _), (.reject, _):
            []
        case (.cancel(let command, let reverses), .pending(let customer)):
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
        case .placed(let event): state = .pending(customer: event.customer)
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

    private static func place(_ command: PlaceOrder) throws(Rejection) -> OrderPlaced {
        do {
            try Identifier.check(command.order, what: "order id")
            try Identifier.check(command.customer, what: "customer id")
        } catch {
            throw .badID(error)
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
        case badID(IdentifierError)
        case alreadyPlaced(String)
        case deadlineBeforePlacing(String, deadline: Timestamp, placedAt: Timestamp)
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
