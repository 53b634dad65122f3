import Contracts
import EventSourcing
import RouteDomain
import ServiceKit

extension Routes {
    static let route = ServiceQuery<Self, String, RouteView>(
        "route", of: { .stream(try StreamName(category: Route.category, id: $0)) },
        fromMemory: { model, id in
            guard let view = model.routes[id] else {
                throw Refusal(description: "order \(id) has no route")
            }
            return view
        })
}
