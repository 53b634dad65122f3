public import Contracts
public import EventSourcing

/// The route of an order: created or rejected, then confirmed or cancelled with its order.
public enum Route: Aggregate {
    public typealias Event = RouteEvent

    public enum Command: Hashable, Sendable {
        /// Keep the plan that was made for an order, unless there is an answer to it already.
        case create(RouteCreated)
        /// Keep that there is no way, unless there is an answer to the order already.
        case reject(RouteRejected)
        /// Nothing to do unless the route is waiting for its order to end.
        case confirm(order: String, customer: String)
        /// Nothing to do unless there is a route to cancel.
        case cancel(order: String, customer: String)
    }

    public enum State: String, Codable, Hashable, Sendable {
        case none, created, rejected, confirmed, cancelled
    }

    /// A route refuses no command: what can't be sent is an event that others react to.
    public enum Rejection: Error, Hashable, CustomStringConvertible {
        case irreversible(String)

        public var description: String {
            switch self {
            case .irreversible(let type): "nothing undoes \(type)"
            }
        }
    }

    public static let category = "route"
    public static let initial = State.none

    public static func id(of command: Command) -> String {
        switch command {
        case .create(let created): created.order
        case .reject(let rejected): rejected.order
        case .confirm(let order, _), .cancel(let order, _): order
        }
    }

    public static func decide(
        _ command: Command, given state: State
    ) throws(Rejection) -> [RouteEvent] {
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

    public static func evolve(_ state: inout State, with event: RouteEvent) {
        switch event {
        case .created: state = .created
        case .rejected: state = .rejected
        case .confirmed: state = .confirmed
        case .cancelled: state = .cancelled
        }
    }

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
