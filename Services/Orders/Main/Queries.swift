import Contracts
import EventSourcing
import OrdersDomain
import ServiceKit

extension OrderBook {
    static let order = ServiceQuery<Self, String, OrderView>(
        "order", of: { .tags([Tag.order($0)]) },
        fromMemory: { model, id in
            guard let view = model.orders[id] else {
                throw Refusal(description: "there is no order \(id)")
            }
            return view
        })

    /// A customer's orders, whose funds are held in the customer's account.
    static let customer = ServiceQuery<Self, String, [OrderView]>(
        "customer",
        of: { EventQuery([.init(tags: [Tag.customer($0)]), .init(tags: [Tag.account($0)])]) },
        fromMemory: { model, id in
            (model.customers[id]?.orders ?? []).compactMap { model.orders[$0] }
        })

    /// How many of these orders stand how.
    static let count = ServiceQuery<Self, [String], [String: Int]>(
        "count",
        fromMemory: { model, ids in
            ids.reduce(into: [:]) { counts, id in
                if let order = model.orders[id] { counts[order.status.rawValue, default: 0] += 1 }
            }
        })

    static let summary = ServiceQuery<Self, Nothing, [String: Int]>(
        "summary",
        fromMemory: { model, _ in
            model.orders.rows.values.reduce(into: [:]) { counts, order in
                counts[order.status.rawValue, default: 0] += 1
            }
        })
}
