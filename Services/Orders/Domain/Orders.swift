public import Contracts
public import EventSourcing

/// An order: pending when placed, then confirmed or rejected. A confirmed order can be cancelled.
public enum Orders: Aggregate {
    /// The events of an order's stream.
    public typealias Event = OrderEvent

    /// What can be asked of an order, by callers and by the saga.
    public enum Command: Hashable, Sendable {
        /// Places the order.
        case place(PlaceOrder)
        /// Rejects a pending order, or cancels a confirmed one.
        case cancel(CancelOrder, reversing: Reverses? = nil)
        /// Confirms a pending order, or rejects it if its deadline has passed. Does nothing if the
        /// order has ended. The runtime sets `at`, the time of the decision.
        case confirm(order: String, at: Timestamp? = nil)
        /// Rejects the order if it is pending. Otherwise does nothing.
        case reject(order: String, reason: OrderRejected.Reason, detail: String)
    }

    /// The state of an order, folded from its events.
    public enum State: Codable, Hashable, Sendable {
        /// The order was not placed.
        case unknown
        /// The order waits for its saga until the deadline.
        case pending(customer: String, deadline: Timestamp)
        /// The order was confirmed.
        case confirmed(customer: String)
        /// The order was rejected for this reason.
        case rejected(OrderRejected.Reason)
        /// The order was cancelled after its confirmation.
        case cancelled
    }

    /// The category of the streams `order-<id>`.
    public static let category = "order"
    /// The state of an order that was not placed.
    public static let initial = State.unknown
    /// Version 2 added the deadline of a pending order.
    public static let stateVersion = 2

    /// Returns the id of the command's order.
    public static func id(of command: Command) -> String {
        switch command {
        case .place(let command): command.order
        case .cancel(let command, _): command.order
        case .confirm(let order, _), .reject(let order, _, _): order
        }
    }

    /// Returns a function that sets the time of a confirmation. Nil for other commands.
    public static func timed(_ command: Command) -> ((Timestamp) -> Command)? {
        guard case .confirm(let order, _) = command else { return nil }
        return { .confirm(order: order, at: $0) }
    }

    /// Returns the events that `command` leads to. Returns none if there is nothing to do.
    ///
    /// - Throws: `Rejection` if an order can't be placed or cancelled.
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

    /// Applies `event` to the state.
    public static func evolve(_ state: inout State, with event: OrderEvent) {
        switch event {
        case .placed(let event):
            state = .pending(customer: event.customer, deadline: event.deadline)
        case .confirmed(let event): state = .confirmed(customer: event.customer)
        case .rejected(let event): state = .rejected(event.reason)
        case .cancelled: state = .cancelled
        }
    }

    /// Returns why the order can't have had `event` in `state`, or nil if it can.
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
    /// Why an order rejects a command. The first text is the order's id.
    public enum Rejection: Error, Hashable, CustomStringConvertible {
        /// The order id or the customer id is invalid.
        case badID(DaybookError)
        /// An order with this id was placed already.
        case alreadyPlaced(String)
        /// The deadline is not after the time of placing.
        case deadlineBeforePlacing(String, deadline: Timestamp, placedAt: Timestamp)
        /// The runtime did not set the time of the decision.
        case noTime(String)
        /// The code of a hub is too long.
        case badHub(String, String)
        /// The order has no items.
        case noItems(String)
        /// An item has no SKU.
        case noSKU(String)
        /// An item's quantity is not positive.
        case badQuantity(String, OrderItem)
        /// An item's price is negative.
        case negativePrice(String, OrderItem)
        /// The prices are in different currencies.
        case mixedCurrencies(String, Currency, Currency)
        /// The total is above the largest amount in its currency.
        case tooExpensive(String, Currency)
        /// The order was never placed.
        case noSuchOrder(String)
        /// The order was rejected already, so it can't be cancelled.
        case alreadyRejected(String, OrderRejected.Reason)
        /// The order was cancelled already.
        case alreadyCancelled(String)

        /// A message of one line for the caller.
        public var description: String {
            switch self {
            case .badID(let error): error.description
            case .alreadyPlaced(let order): "order \(order) is already placed"
            case .deadlineBeforePlacing(let order, let deadline, let placedAt):
                "the deadline \(deadline) of order \(order) is not after its placing at \(placedAt)"
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
                "order \(order) can't be cancelled: it was rejected (\(reason.rawValue))"
            case .alreadyCancelled(let order): "order \(order) was cancelled already"
            }
        }
    }
}
