public import Contracts
public import EventSourcing

/// Plans a route for each order, and confirms or cancels it with its order.
public struct RouteParticipant: Participant {
    /// The participant reacts to the events of orders.
    public typealias Event = OrderEvent
    /// Whether the order has ended. An order that was rejected before its placing arrives gets no
    /// route.
    public enum State: String, Codable, Hashable, Sendable { case open, ended }

    /// The participant's name in the ids of its events.
    public static let name = "route"
    /// The state before the first event.
    public static let initial = State.open
    /// False, because only `orders` watches deadlines.
    public static let hasDeadlines = false

    private let planner: any RoutePlanner
    /// The hub from which orders without an origin are sent.
    private let origin: String

    /// Creates the participant.
    ///
    /// - Parameter origin: the code of the hub from which orders without an origin are sent.
    public init(planner: any RoutePlanner, origin: String) {
        self.planner = planner
        self.origin = origin
    }

    /// Returns the id of the event's order.
    public static func saga(of event: Event) -> String { event.entity }

    /// Returns the tag of the order.
    public static func tag(of saga: String) -> String? { Tag.order(saga) }

    /// Ends the saga when its order is rejected or cancelled.
    public static func evolve(_ state: inout State, with event: Event) {
        switch event {
        case .placed, .confirmed: break
        case .rejected, .cancelled: state = .ended
        }
    }

    /// Returns the route command for the event.
    ///
    /// - Throws: the planner's error, if it can't plan now.
    public func react(to event: Event, given state: State) throws -> [Route.Command] {
        switch event {
        case .placed(let event):
            guard state == .open else { return [] }
            return [try answer(to: event)]
        case .confirmed(let event):
            return [.confirm(order: event.order, customer: event.customer)]
        case .rejected(let event):
            return [.cancel(order: event.order, customer: event.customer)]
        case .cancelled(let event):
            return [.cancel(order: event.order, customer: event.customer)]
        }
    }

    private func answer(to placed: OrderPlaced) throws -> Route.Command {
        do {
            return .create(try route(for: placed))
        } catch let error as RouteRefusal {
            return .reject(
                RouteRejected(
                    order: placed.order, customer: placed.customer, reason: error.reason,
                    detail: error.description))
        }
    }

    private func route(for placed: OrderPlaced) throws -> RouteCreated {
        let origin = placed.origin ?? origin
        // Quantities of free items can be huge, and their sum must not overflow.
        let quantity = placed.items.reduce(0) { sum, item in
            let (total, overflow) = sum.addingReportingOverflow(item.quantity)
            return overflow ? .max : total
        }
        let plan = try planner.plan(
            Journey(
                origin: origin, destination: placed.destination, quantity: quantity,
                currency: placed.itemsTotal.currency, departsAt: placed.placedAt))
        guard let total = placed.itemsTotal.adding(plan.cost) else {
            throw RouteRefusal(
                .tooExpensive,
                "\(placed.itemsTotal) and \(plan.cost) shipping are more than an order may cost")
        }
        return RouteCreated(
            order: placed.order, customer: placed.customer, origin: origin,
            destination: placed.destination, legs: plan.legs, itemsTotal: placed.itemsTotal,
            shipping: plan.cost, total: total, arrivesAt: plan.arrivesAt)
    }
}
