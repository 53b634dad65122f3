public import Contracts
public import EventSourcing

/// Finds a way for each order, and lets the route follow its order's end.
public struct RouteParticipant<Planner: RoutePlanner>: Participant {
    public typealias Event = RouteTrigger
    /// Whether the order has ended: one that was rejected before it was heard of gets no route.
    public enum State: String, Codable, Hashable, Sendable { case open, ended }

    public static var name: String { "route" }
    public static var initial: State { .open }
    public static var hasDeadlines: Bool { false }

    private let planner: Planner
    /// Where orders are sent from that name no origin.
    private let origin: String

    public init(planner: Planner, origin: String) {
        self.planner = planner
        self.origin = origin
    }

    public static func saga(of event: RouteTrigger) -> String {
        switch event {
        case .orderPlaced(let event): event.order
        case .orderConfirmed(let event): event.order
        case .orderRejected(let event): event.order
        case .orderCancelled(let event): event.order
        }
    }

    public static func tag(of saga: String) -> String? { Tag.order(saga) }

    public static func evolve(_ state: inout State, with event: RouteTrigger) {
        switch event {
        case .orderPlaced, .orderConfirmed: break
        case .orderRejected, .orderCancelled: state = .ended
        }
    }

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
        // The sum of what may be huge quantities of free items must not overflow.
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

/// The events of orders that routes follow.
public enum RouteTrigger: PayloadFamily, Hashable {
    case orderPlaced(OrderPlaced)
    case orderConfirmed(OrderConfirmed)
    case orderRejected(OrderRejected)
    case orderCancelled(OrderCancelled)

    public static let cases = PayloadCases([
        .init(RouteTrigger.orderPlaced), .init(RouteTrigger.orderConfirmed),
        .init(RouteTrigger.orderRejected), .init(RouteTrigger.orderCancelled),
    ])
}
