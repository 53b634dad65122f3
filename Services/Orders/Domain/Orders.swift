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
    /// - Throws: the reason why an order can't be placed or cancelled.
    public static func decide(
        _ command: Command, given state: State
    ) throws(DaybookError) -> [OrderEvent] {
        switch (command, state) {
        case (.place(let command), .unknown):
            [.placed(try place(command))]
        case (.place(let command), _):
            throw .rejected("order \(command.order) is already placed")
        case (.confirm(let order, let time), .pending(let customer, let deadline)):
            [try confirm(order, of: customer, by: deadline, at: time)]
        case (.reject(let order, let reason, let detail), .pending(let customer, _)):
            [rejected(order, of: customer, reason, detail)]
        case (.confirm, _), (.reject, _):
            []
        case (.cancel(let command, let reverses), .pending(let customer, _)):
            [
                rejected(
                    command.order, of: customer, .cancelledByCustomer, reverses?.reason ?? "",
                    reverses)
            ]
        case (.cancel(let command, let reverses), .confirmed(let customer)):
            [
                .cancelled(
                    OrderCancelled(order: command.order, customer: customer, reverses: reverses))
            ]
        case (.cancel(_, nil), .cancelled), (.cancel(_, nil), .rejected(.cancelledByCustomer)):
            []
        case (.cancel(let command, _), .cancelled):
            throw .rejected("order \(command.order) was cancelled already")
        case (.cancel(let command, _), .rejected(let reason)):
            throw .rejected(
                "order \(command.order) can't be cancelled: it was rejected (\(reason.rawValue))")
        case (.cancel(let command, _), .unknown):
            throw .rejected("there is no order \(command.order)")
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
    ) throws(DaybookError) -> OrderEvent {
        let time = try time.orThrow(
            .rejected, "order \(order) can't be confirmed without the time of the decision")
        guard time < deadline else {
            return rejected(
                order, of: customer, .deadlinePassed,
                "credit was reserved, but the deadline \(deadline) had passed at \(time)")
        }
        return .confirmed(OrderConfirmed(order: order, customer: customer))
    }

    private static func rejected(
        _ order: String, of customer: String, _ reason: OrderRejected.Reason, _ detail: String,
        _ reverses: Reverses? = nil
    ) -> OrderEvent {
        .rejected(
            OrderRejected(
                order: order, customer: customer, reason: reason, detail: detail,
                reverses: reverses))
    }

    /// The longest code of a hub, in bytes. It is limited because other services repeat the code in
    /// their events.
    private static let hubBytes = 64

    private static func place(_ command: PlaceOrder) throws(DaybookError) -> OrderPlaced {
        let order = command.order
        try Identifier.check(order, what: "order id")
        try Identifier.check(command.customer, what: "customer id")
        for hub in [command.origin, command.destination] {
            guard let hub, hub.utf8.count > Self.hubBytes else { continue }
            throw .rejected(
                "order \(order) names the hub '\(hub.prefix(20))…' of \(hub.utf8.count) bytes; "
                    + "a hub's code has up to \(Self.hubBytes)")
        }
        try require(
            command.deadline > command.placedAt, .rejected,
            "the deadline \(command.deadline) of order \(order) is not after its placing at "
                + "\(command.placedAt)")
        return OrderPlaced(
            order: order, customer: command.customer, items: command.items,
            itemsTotal: try total(of: command), origin: command.origin,
            destination: command.destination, placedAt: command.placedAt,
            deadline: command.deadline)
    }

    private static func total(of command: PlaceOrder) throws(DaybookError) -> Money {
        let order = command.order
        let currency = try (command.items.first?.unitPrice.currency).orThrow(
            .rejected, "order \(order) has no items; it needs at least one")
        var total = Money(0, currency)
        for item in command.items {
            let price = item.unitPrice
            try require(!item.sku.isEmpty, .rejected, "order \(order) has an item without a SKU")
            try require(
                item.quantity > 0, .rejected,
                "order \(order) has \(item.quantity) of '\(item.sku)'; it needs at least 1")
            try require(
                price.amount >= 0, .rejected,
                "order \(order) has '\(item.sku)' at \(price); a price is 0 or more")
            try require(
                price.currency == currency, .rejected,
                "order \(order) has prices in \(currency) and \(price.currency); "
                    + "they must be in one currency")
            let sum = try price.times(item.quantity).flatMap(total.adding).orThrow(
                .rejected,
                "order \(order) comes to more than \(Money(Money.largest, currency)), "
                    + "the largest amount")
            total = sum
        }
        return total
    }
}
