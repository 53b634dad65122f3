public import Contracts
import EventSourcing
import RouteDomain
public import ServiceRuntime

extension RouteService {
    static let entity = ServiceQuery<Self, String, RouteView>(
        "route", in: \.routes, orReject: { "order \($0) has no route" })
}

extension RouteView: FieldView {
    /// The route's fields with amounts in its currency. A rejected route has no legs or amounts.
    public var fields: [(name: String, value: String?)] {
        func amount(_ minor: Int64?) -> String? {
            guard let minor, let currency else { return nil }
            return "\(Money(minor, currency))"
        }
        let way = legs.map(\.from) + legs.suffix(1).map(\.to)
        return [
            ("status", status.rawValue), ("customer", customer),
            ("way", way.isEmpty ? nil : way.joined(separator: " ")),
            ("shipping", amount(shipping)), ("total", amount(total)),
            ("arrivesAt", arrivesAt.map { "\($0)" }), ("reason", reason?.rawValue),
            ("detail", detail),
        ]
    }
}
