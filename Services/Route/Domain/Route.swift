public import Contracts
public import EventSourcing

/// The route of an order: created or rejected, then confirmed or cancelled with its order.
public enum Route: Reversible {
    /// The events of a route's stream.
    public typealias Event = RouteEvent

    /// What the saga asks of a route.
    public enum Command: Hashable, Sendable {
        /// Creates the route with the plan that was made. Does nothing if the order has an answer
        /// already.
        case create(RouteCreated)
        /// Records that no route exists. Does nothing if the order has an answer already.
        case reject(RouteRejected)
        /// Confirms the route. Does nothing unless the route waits for its order's end.
        case confirm(order: String, customer: String)
        /// Cancels the route. Does nothing unless the route is created or confirmed.
        case cancel(order: String, customer: String)
    }

    /// The state of a route, folded from its events.
    public enum State: String, Codable, Hashable, Sendable {
        /// No event yet, or the state after the event of that name.
        case none, created, rejected, confirmed, cancelled
    }

    /// The category of the streams `route-<orderId>`.
    public static let category = "route"
    /// The state of an order without a route.
    public static let initial = State.none

    /// Returns the id of the command's order, which is also the route's.
    public static func id(of command: Command) -> String {
        switch command {
        case .create(let created): created.order
        case .reject(let rejected): rejected.order
        case .confirm(let order, _), .cancel(let order, _): order
        }
    }

    /// Returns the event that `command` leads to, or none if there is nothing to do.
    ///
    /// It never throws: an order that can't be sent leads to an event, because others react to it.
    public static func decide(
        _ command: Command, given state: State
    ) throws(DaybookError) -> [RouteEvent] {
        switch (command, state) {
        case (.create(let created), .none): [.created(created)]
        case (.reject(let rejected), .none): [.rejected(rejected)]
        case (.confirm(let order, let customer), .created):
            [.confirmed(RouteConfirmed(order: order, customer: customer))]
        case (.cancel(let order, let customer), .created),
            (.cancel(let order, let customer), .confirmed):
            [.cancelled(RouteCancelled(order: order, customer: customer))]
        case (.create, _), (.reject, _), (.confirm, _), (.cancel, _): []
        }
    }

    /// Applies `event` to the state.
    public static func evolve(_ state: inout State, with event: RouteEvent) {
        switch event {
        case .created: state = .created
        case .rejected: state = .rejected
        case .confirmed: state = .confirmed
        case .cancelled: state = .cancelled
        }
    }

    /// Returns why the route can't have had `event` in `state`, or nil if it can.
    public static func objection(to event: RouteEvent, given state: State) -> String? {
        switch (event, state) {
        case (.created, .none), (.rejected, .none), (.confirmed, .created),
            (.cancelled, .created), (.cancelled, .confirmed):
            nil
        case (_, .none): "there is no route"
        case (_, _): "the route is \(state.rawValue)"
        }
    }
}
