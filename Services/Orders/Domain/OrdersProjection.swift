public import Contracts
public import EventSourcing

/// The orders with the results of their sagas, and a list of orders for each customer.
public enum OrdersProjection: Projection {
    /// The events that the projection reads.
    public enum Event: PayloadFamily, Hashable {
        /// The order was placed.
        case placed(OrderPlaced)
        /// The order has a route, shipping and a total.
        case routed(RouteCreated)
        /// The account's funds are held for the order.
        case reserved(FundsReserved)
        /// The order was confirmed.
        case confirmed(OrderConfirmed)
        /// The order was rejected.
        case rejected(OrderRejected)
        /// The order was cancelled after its confirmation.
        case cancelled(OrderCancelled)

        /// How the events are decoded.
        public static let cases = PayloadCases([
            .init(Event.placed), .init(Event.routed), .init(Event.reserved),
            .init(Event.confirmed), .init(Event.rejected), .init(Event.cancelled),
        ])
    }

    /// The tables of the read model.
    public struct Model: Codable, Sendable {
        /// The orders by id.
        public var orders = Table<OrderView>()
        /// The list of orders of each customer.
        public var customers = Table<CustomerOrdersView>()

        /// Creates an empty model.
        public init() {}
    }

    /// The version of model and fold.
    public static let version = 1
    /// Orders and routes have the ids of orders. Accounts have other ids.
    public static let entityCategories = ["order", "route"]
    /// The start of the tags that name orders.
    public static let entityTag: String? = Tag.order("")

    /// Applies an event to the order's row, and a new order to its customer's list.
    public static func project(_ recorded: Recorded<Event>, onto model: inout Model) {
        switch recorded.event {
        case .placed(let event):
            place(event, recorded, in: &model)
        case .routed(let event):
            model.orders.update(event.order, after: recorded) {
                $0.origin = event.origin
                $0.shipping = event.shipping.amount
                $0.total = event.total.amount
                $0.arrivesAt = event.arrivesAt
            }
        case .reserved(let event):
            model.orders.update(event.order, after: recorded) {
                $0.fromBalance = event.fromBalance.amount
                $0.fromCredit = event.shortfall.amount
            }
        case .confirmed(let event):
            model.orders.end(event.order, as: .confirmed, after: recorded)
        case .rejected(let event):
            model.orders.end(event.order, as: .rejected, after: recorded) {
                $0.reason = event.reason
                $0.detail = event.detail
            }
        case .cancelled(let event):
            model.orders.end(event.order, as: .cancelled, after: recorded) {
                $0.detail = event.reverses?.reason
            }
        }
    }

    private static func place(
        _ event: OrderPlaced, _ recorded: Recorded<Event>, in model: inout Model
    ) {
        model.orders.put(OrderView(event), after: recorded)
        let empty = CustomerOrdersView(id: event.customer)
        // Appended in place. Otherwise each order would copy the list.
        model.customers[event.customer, default: empty].orders.append(event.order)
        model.customers.update(event.customer, after: recorded) { _ in }
    }
}

extension Table<OrderView> {
    /// Ends an order. It is in the table, because it is placed before all its other events.
    fileprivate mutating func end(
        _ order: String, as status: OrderView.Status, after recorded: Recorded<some Sendable>,
        _ change: (inout OrderView) -> Void = { _ in }
    ) {
        update(order, after: recorded) {
            $0.status = status
            $0.endedAt = recorded.time
            change(&$0)
        }
    }
}
