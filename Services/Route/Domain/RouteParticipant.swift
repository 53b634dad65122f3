public import Contracts
public import EventSourcing

/// Plans a route for each order, and confirms or cancels it with its order.
public struct RouteParticipant<Planner: RoutePlanner>: Participant {
    /// The events of orders.
    public typealias Event = RouteTrigger
    /// Whether the order has ended. An order that was rejected before its placing arrives gets no
    /// route.
    public enum State: String, Codable, Hashable, Sendable { case open, ended }

    /// The participant's name in the ids of its events.
    public static var name: String { "route" }
    /// The state before the first event.
    public static var initial: State { .open }
    /// False, because only `orders` watches deadlines.
    public static var hasDeadlines: Bool { false }

    private let planner: Planner
    /// The hub from which orders without an origin are sent.
    private let origin: String

    /// Creates the participant.
    ///
    /// - Parameter origin: the code of the hub from which orders without an origin are sent.
    public init(planner: Planner, origin: String) {
        self.planner = planner
        self.origin = origin
    }

    /// Returns the id of the event's order.
    public static func saga(of event: RouteTrigger) -> String {
        switch event {
        case .orderPlaced(let event): event.order
        case .orderConfirmed(let event): event.order
        case .orderRejected(let event): event.order
        case .orderCancelled(let event): event.order
        }
    }

    /// Returns the tag of the order.
    public static func tag(of saga: String) -> String? { Tag.order(saga) }

    /// Ends the saga when its order is rejected or cancelled.
    public static func evolve(_ state: inout State, with event: RouteTrigger) {
        switch event {
        case .orderPlaced, .orderConfirmed: break
        case .orderRejected, .orderCancelled: state = .ended
        }
    }

    /// Returns the route command for the event.
    ///
    /// - Throws: the planner's error, if it can't plan now.
    public func react(
        to event: RouteTrigger, given state: State
    ) throws -> [Route.Command] {
        switch event {
        case .orderPlaced(let event):
            guard state == .open else { return [] }
            return [try answer(to: event)]
        case .orderConfirmed(let event):
            return [.confirm(order: event.order, customer: event.customer)]
        case .orderRejected(let event):
            return [.cancel(order: event.order, customer: event.customer)]
        case .orderCancelled(let event):
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

/// The events of orders to which routes react.
public enum RouteTrigger: PayloadFamily, Hashable {
    /// The order was placed: plan a route.
    case orderPlaced(OrderPlaced)
    /// The order was confirmed: confirm the route.
    case orderConfirmed(OrderConfirmed)
    /// The order was rejected: cancel the route.
    case orderRejected(OrderRejected)
    /// The order was cancelled after confirmation: cancel the route.
    case orderCancelled(OrderCancelled)

    /// How the events are decoded.
    public static let cases = PayloadCases([
        .init(RouteTrigger.orderPlaced), .init(RouteTrigger.orderConfirmed),
        .init(RouteTrigger.orderRejected), .init(RouteTrigger.orderCancelled),
    ])
}
