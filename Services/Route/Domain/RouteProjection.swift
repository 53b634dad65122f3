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
            var view = RouteView(id: event.order, customer: event.customer, status: .planned)
            view.legs = event.legs
            view.origin = event.origin
            view.destination = event.destination
            view.currency = event.total.currency
            view.shipping = event.shipping.amount
            view.total = event.total.amount
            view.arrivesAt = event.arrivesAt
            model.routes.put(view, after: recorded)
        case .rejected(let event):
            var view = RouteView(id: event.order, customer: event.customer, status: .rejected)
            view.reason = event.reason
            view.detail = event.detail
            model.routes.put(view, after: recorded)
        case .confirmed(let event):
            model.routes.update(event.order, after: recorded) { $0.status = .confirmed }
        case .cancelled(let event):
            model.routes.update(event.order, after: recorded) { $0.status = .cancelled }
        }
    }
}
