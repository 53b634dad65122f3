import RouteDomain
import ServiceRuntime

/// Plans the routes of orders through a network of hubs.
enum RouteService: EntityService {
    typealias Subject = Route
    typealias ReadProjection = RouteProjection

    static let name = "route"
    static let queries: [any AnsweredQuery<Self>] = [entity]

    static func participant(_ network: NetworkOptions) throws -> SagaParticipant? {
        RouteParticipant(planner: try network.planner(), origin: network.origin)
    }
}
