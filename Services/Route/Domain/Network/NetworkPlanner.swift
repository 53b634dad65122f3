import Contracts
import EventSourcing
import HeapModule

/// Finds the cheapest way through a network that takes no longer than allowed.
public struct NetworkPlanner: RoutePlanner {
    private let network: Network
    private let limitMinutes: Int

    public init(_ network: Network, limitMinutes: Int) {
        self.network = network
        self.limitMinutes = limitMinutes
    }

    public func plan(_ journey: Journey) throws(RouteRefusal) -> RoutePlan {
        let (from, to) = (try index(of: journey.origin), try index(of: journey.destination))
        if let path = search(from, to, journey.quantity, within: limitMinutes) {
            return try plan(path, from: from, journey)
        }
        // Without a limit on time a way is found if there is any.
        guard search(from, to, journey.quantity, within: .max) != nil else {
            throw RouteRefusal(
                .unreachable, "no lanes lead from \(journey.origin) to \(journey.destination)")
        }
        throw RouteRefusal(
            .tooLate,
            "no way from \(journey.origin) to \(journey.destination) takes up to "
                + "\(limitMinutes / 60) hours")
    }

    private func index(of code: String) throws(RouteRefusal) -> Int {
        guard let index = network.index(of: code) else {
            throw RouteRefusal(
                .unknownHub, "there is no hub '\(code)'; \(network.hubs[0].code) is one")
        }
        return index
    }

    /// Lanes of the cheapest way within the time; of equally cheap ones the fastest.
    ///
    /// Label setting for the shortest path with a resource constraint (Desrochers and Soumis, "A
    /// Generalized Permanent Labelling Algorithm", 1988): labels are settled in the order of cost,
    /// so one that is not faster than all settled before it at its hub can be dropped.
    private func search(
        _ from: Int, _ to: Int, _ quantity: Int, within limit: Int
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
                    cost: label.cost.adding(lane.cost(of: quantity)), minutes: minutes,
                    hub: lane.to,
                    index: labels.count, previous: label.index, lane: lane)
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
        _ path: [Network.Lane], from: Int, _ journey: Journey
    ) throws(RouteRefusal) -> RoutePlan {
        var hub = from
        var departsAt = journey.departsAt
        var total: Int64 = 0
        let legs = path.map { lane in
            let cost = lane.cost(of: journey.quantity)
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
        let plan = RoutePlan(
            legs: legs, cost: Money(total, journey.currency), arrivesAt: departsAt)
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

/// A way to a hub: the lane it ends with and the label it goes on from.
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
