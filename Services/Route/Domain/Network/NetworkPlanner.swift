import Contracts
import EventSourcing
import HeapModule

/// Finds the cheapest route through a network that does not take longer than allowed.
public struct NetworkPlanner: RoutePlanner {
    private let network: Network
    private let tariff: Tariff
    private let limitMinutes: Int

    /// Creates a planner.
    ///
    /// - Parameter limitMinutes: the longest time that a journey may take, in minutes.
    public init(_ network: Network, tariff: Tariff = .standard, limitMinutes: Int) {
        self.network = network
        self.tariff = tariff
        self.limitMinutes = limitMinutes
    }

    /// Returns the cheapest plan within the time limit.
    ///
    /// - Throws: `RouteRefusal` if the tariff has no prices in the currency, if a hub is unknown or
    ///   unreachable, or if every route takes too long or costs too much.
    public func plan(_ journey: Journey) throws(RouteRefusal) -> RoutePlan {
        let prices = try tariff.prices(in: journey.currency)
        let (from, to) = (try index(of: journey.origin), try index(of: journey.destination))
        func cost(of lane: Network.Lane) -> Int64 { lane.cost(of: journey.quantity, at: prices) }
        if let path = search(from, to, cost, within: limitMinutes) {
            return try plan(path, from: from, journey, cost)
        }
        // A search without a time limit shows whether any route exists.
        guard search(from, to, cost, within: .max) != nil else {
            throw RouteRefusal(
                .unreachable, "no lanes lead from \(journey.origin) to \(journey.destination)")
        }
        throw RouteRefusal(
            .tooLate,
            "no route from \(journey.origin) to \(journey.destination) takes at most "
                + "\(limitMinutes / 60) hours")
    }

    private func index(of code: String) throws(RouteRefusal) -> Int {
        guard let index = network.index(of: code) else {
            throw RouteRefusal(
                .unknownHub, "there is no hub '\(code)'; \(network.hubs[0].code) is one")
        }
        return index
    }

    /// Returns the lanes of the cheapest route within the time, and of equally cheap ones the
    /// fastest.
    ///
    /// This is label setting for the shortest path with a resource constraint (Desrochers and
    /// Soumis, "A Generalized Permanent Labelling Algorithm", 1988). Labels are made permanent in
    /// the order of cost. So a label that is not faster than all earlier ones at its hub can be
    /// dropped.
    private func search(
        _ from: Int, _ to: Int, _ cost: (Network.Lane) -> Int64, within limit: Int
    ) -> [Network.Lane]? {
        var fastest = Array(repeating: Int.max, count: network.hubs.count)
        var labels = [Label(cost: 0, minutes: 0, hub: from, index: 0, previous: nil, lane: nil)]
        var open: Heap<Label> = [labels[0]]
        while let label = open.popMin() {
            guard label.minutes < fastest[label.hub] else { continue }
            fastest[label.hub] = label.minutes
            if label.hub == to { return path(to: label, labels) }
            for lane in network.lanes[label.hub] {
                let minutes = label.minutes + lane.minutes
                guard minutes <= limit, minutes < fastest[lane.to] else { continue }
                let next = Label(
                    cost: label.cost.adding(cost(lane)), minutes: minutes,
                    hub: lane.to, index: labels.count, previous: label.index, lane: lane)
                labels.append(next)
                open.insert(next)
            }
        }
        return nil
    }

    private func path(to label: Label, _ labels: [Label]) -> [Network.Lane] {
        var lanes: [Network.Lane] = []
        var label = label
        while let lane = label.lane, let previous = label.previous {
            lanes.append(lane)
            label = labels[previous]
        }
        return lanes.reversed()
    }

    private func plan(
        _ path: [Network.Lane], from: Int, _ journey: Journey, _ cost: (Network.Lane) -> Int64
    ) throws(RouteRefusal) -> RoutePlan {
        var hub = from
        var departsAt = journey.departsAt
        var total: Int64 = 0
        let legs = path.map { lane in
            let cost = cost(lane)
            let leg = RouteLeg(
                from: network.hubs[hub].code, to: network.hubs[lane.to].code,
                meters: Int((lane.kilometers * 1000).rounded()), departsAt: departsAt,
                arrivesAt: departsAt + .seconds(lane.minutes * 60),
                cost: Money(cost, journey.currency))
            hub = lane.to
            departsAt = leg.arrivesAt
            total.add(cost)
            return leg
        }
        let plan = RoutePlan(legs: legs, cost: Money(total, journey.currency), arrivesAt: departsAt)
        guard plan.cost.isInRange else {
            throw RouteRefusal(
                .tooExpensive,
                "sending \(journey.quantity) items from \(journey.origin) to "
                    + "\(journey.destination) costs more than "
                    + "\(Money(Money.largest, journey.currency)), the largest amount")
        }
        guard plan.arrivesAt.isInRange else {
            throw RouteRefusal(
                .tooLate,
                "a parcel that leaves \(journey.origin) at \(journey.departsAt) arrives at "
                    + "\(journey.destination) only after \(Timestamp.latest), the latest time")
        }
        return plan
    }
}

/// A route to a hub: the last lane, and the index of the label before it.
private struct Label: Comparable {
    let cost: Int64
    let minutes: Int
    let hub: Int
    let index: Int
    let previous: Int?
    let lane: Network.Lane?

    /// Ties are broken by the order of discovery, so that the same journey has the same plan.
    static func < (a: Label, b: Label) -> Bool {
        (a.cost, a.minutes, a.index) < (b.cost, b.minutes, b.index)
    }
}
