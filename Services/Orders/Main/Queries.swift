public import Contracts
import EventSourcing
import OrdersDomain
public import ServiceRuntime
import WireProtocol

extension OrdersService {
    static let entity = ServiceQuery<Self, String, OrderView>(
        "order", of: { .tags([Tag.order($0)]) }, in: \.orders,
        orReject: { "there is no order \($0)" })

    /// A customer's orders. The events that hold their funds have only the account's tag.
    ///
    /// An order that has stopped before its customer was known is found by its tags.
    static let customer = ServiceQuery<Self, String, [Listed<OrderView>]>(
        "customer",
        of: { EventQuery([.init(tags: [Tag.customer($0)]), .init(tags: [Tag.account($0)])]) },
        from: .memory { model, id in
            let orders = model.customers[id]?.orders ?? []
            let tagged = model.stopped.sorted.filter { $0.tags.contains(Tag.customer(id)) }
            let others = tagged.map(\.id).filter { !orders.contains($0) }
            return model.listed(orders + others, in: \.orders)
        })

    /// The number of given orders in each status, and of those that have stopped. Unknown orders
    /// are not counted.
    static let count = ServiceQuery<Self, [String], [String: Int]>(
        "count",
        from: .memory { model, ids in
            try require(ids.count <= 1000, .invalid, "count takes up to 1,000 orders")
            return ids.reduce(into: [:]) { counts, id in
                if let status = status(of: id, in: model) { counts[status, default: 0] += 1 }
            }
        })

    /// The number of all orders in each status, and of those that have stopped.
    static let summary = ServiceQuery<Self, Nothing, [String: Int]>(
        "summary",
        from: .memory { model, _ in
            var counts: [String: Int] = [:]
            for order in model.orders.rows.values where model.stopped[order.id] == nil {
                counts[order.status.rawValue, default: 0] += 1
            }
            if model.stopped.count > 0 { counts["stopped"] = model.stopped.count }
            return counts
        })

    /// Returns the status of an order, `stopped` if an event of it can't be read, or nil for an
    /// unknown order.
    private static func status(
        of order: String, in model: ProjectedModel<OrdersProjection>
    ) -> String? {
        model.stopped[order] == nil ? model.orders[order]?.status.rawValue : "stopped"
    }
}

extension OrderView: FieldView {
    /// The order's fields with amounts in the order's currency. Fields that the order does not have
    /// yet are nil.
    public var fields: [(name: String, value: String?)] {
        func amount(_ minor: Int64?) -> String? {
            minor.map { Money($0, currency).amountText }
        }
        let items = items.map { "\($0.quantity) × \($0.sku)" }.joined(separator: ", ")
        return [
            ("status", status.rawValue), ("customer", customer), ("items", items),
            ("itemsTotal", amount(itemsTotal)), ("shipping", amount(shipping)),
            ("total", amount(total)), ("fromBalance", amount(fromBalance)),
            ("fromCredit", amount(fromCredit)), ("currency", "\(currency)"),
            ("origin", origin), ("destination", destination), ("placedAt", "\(placedAt)"),
            ("deadline", "\(deadline)"), ("arrivesAt", arrivesAt.map { "\($0)" }),
            ("endedAt", endedAt.map { "\($0)" }), ("reason", reason?.rawValue),
            ("detail", detail),
        ]
    }
}
