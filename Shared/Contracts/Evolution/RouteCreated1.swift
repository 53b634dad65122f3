import EventSourcing

extension Upcaster {
    /// Converts the lengths of legs from kilometres, a decimal fraction, into whole metres.
    static let routeCreated1 = Upcaster("RouteCreated") { (old: RouteCreated1) in
        RouteCreated(
            order: old.order, customer: old.customer, origin: old.origin,
            destination: old.destination, legs: try old.legs.map { try $0.today() },
            itemsTotal: old.itemsTotal, shipping: old.shipping, total: old.total,
            arrivesAt: old.arrivesAt)
    }
}

/// RouteCreated in version 1.
private struct RouteCreated1: Decodable {
    var order: String
    var customer: String
    var origin: String
    var destination: String
    var legs: [Leg]
    var itemsTotal: Money
    var shipping: Money
    var total: Money
    var arrivesAt: Timestamp

    struct Leg: Decodable {
        var from: String
        var to: String
        var kilometers: Double
        var departsAt: Timestamp
        var arrivesAt: Timestamp
        var cost: Money

        func today() throws(DaybookError) -> RouteLeg {
            let meters = try Int(exactly: (kilometers * 1000).rounded()).orThrow(
                .invalid, "\(kilometers) km are no distance between two hubs")
            return RouteLeg(
                from: from, to: to, meters: meters, departsAt: departsAt, arrivesAt: arrivesAt,
                cost: cost)
        }
    }
}
