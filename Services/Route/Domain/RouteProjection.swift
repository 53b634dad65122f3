public import Contracts
public import EventSourcing

/// The current routes of orders.
public enum RouteProjection: Projection {
    /// The events of routes.
    public typealias Event = RouteEvent

    /// The tables of the read model.
    public struct Model: Codable, Sendable {
        /// The routes by order.
        public var routes = Table<RouteView>()

        /// Creates an empty model.
        public init() {}
    }

    /// The version of model and fold.
    public static let version = 2

    /// Applies an event to the order's row.
    public static func project(_ recorded: Recorded<Event>, onto model: inout Model) {
        switch recorded.event {
        case .created(let event):
            var view = row(event.order, of: event.customer, .planned, recorded)
            view.legs = event.legs
            view.origin = event.origin
            view.destination = event.destination
            view.currency = event.total.currency
            view.shipping = event.shipping.amount
            view.total = event.total.amount
            view.arrivesAt = event.arrivesAt
            model.routes[event.order] = view
        case .rejected(let event):
            var view = row(event.order, of: event.customer, .rejected, recorded)
            view.reason = event.reason
            view.detail = event.detail
            model.routes[event.order] = view
        case .confirmed(let event):
            model.routes[event.order]?.become(.confirmed, recorded)
        case .cancelled(let event):
            model.routes[event.order]?.become(.cancelled, recorded)
        }
    }

    private static func row(
        _ order: String, of customer: String, _ status: RouteView.Status,
        _ recorded: Recorded<Event>
    ) -> RouteView {
        RouteView(
            id: order, customer: customer, status: status, position: recorded.position,
            updatedAt: recorded.time)
    }
}

extension RouteView {
    fileprivate mutating func become(_ status: Status, _ recorded: Recorded<RouteEvent>) {
        self.status = status
        position = recorded.position
        updatedAt = recorded.time
    }
}
