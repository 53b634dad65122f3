public import Contracts
public import EventSourcing

/// The orders with all that their sagas have come to, and each customer's list of them.
public enum OrdersProjection: Projection {
    public enum Event: PayloadFamily, Hashable {
        case placed(OrderPlaced)
        case routed(RouteCreated)
        case reserved(FundsReserved)
        case confirmed(OrderConfirmed)
        case rejected(OrderRejected)
        case cancelled(OrderCancelled)

        public static let cases = PayloadCases([
            .init(Event.placed), .init(Event.routed), .init(Event.reserved),
            .init(Event.confirmed), .init(Event.rejected), .init(Event.cancelled),
        ])
    }

    public struct Model: Codable, Sendable {
        public var orders = Table<OrderView>()
        public var customers = Table<CustomerOrdersView>()

        public init() {}
    }

    public static let version = 1

    public static func project(_ recorded: Recorded<Event>, onto model: inout Model) {
        switch recorded.event {
        case .placed(let event):
            place(event, recorded, in: &model)
        case .routed(let event):
            update(event.order, recorded, in: &model) {
                $0.origin = event.origin
                $0.shipping = event.shipping.amount
                $0.total = event.total.amount
                $0.arrivesAt = event.arrivesAt
            }
        case .reserved(let event):
            update(event.order, recorded, in: &model) {
                $0.fromBalance = event.fromBalance.amount
                $0.fromCredit = event.shortfall.amount
            }
        case .confirmed(let event):
            end(event.order, as: .confirmed, recorded, in: &model)
        case .rejected(let event):
            end(event.order, as: .rejected, recorded, in: &model)
            update(event.order, recorded, in: &model) {
                $0.reason = event.reason
                $0.detail = event.detail
            }
        case .cancelled(let event):
            end(event.order, as: .cancelled, recorded, in: &model)
            update(event.order, recorded, in: &model) { $0.detail = event.reverses?.reason }
        }
    }

    private static func place(
        _ event: OrderPlaced, _ recorded: Recorded<Event>, in model: inout Model
    ) {
        model.orders[event.order] = OrderView(
            event, position: recorded.position, updatedAt: recorded.time)
        let empty = CustomerOrdersView(
            id: event.customer, orders: [], position: recorded.position, updatedAt: recorded.time)
        model.customers[event.customer, default: empty].orders.append(event.order)
        model.customers[event.customer]?.position = recorded.position
        model.customers[event.customer]?.updatedAt = recorded.time
    }

    private static func end(
        _ order: String, as status: OrderView.Status, _ recorded: Recorded<Event>,
        in model: inout Model
    ) {
        update(order, recorded, in: &model) {
            $0.status = status
            $0.endedAt = recorded.time
        }
    }

    /// Changes the row of an order, which there is: an order is placed before all else.
    private static func update(
        _ order: String, _ recorded: Recorded<Event>, in model: inout Model,
        _ change: (inout OrderView) -> Void
    ) {
        guard var view = model.orders[order] else { return }
        change(&view)
        view.position = recorded.position
        view.updatedAt = recorded.time
        model.orders[order] = view
    }
}
