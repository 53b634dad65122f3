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
    static let customer = ServiceQuery<Self, String, [OrderView]>(
        "customer",
        of: { EventQuery([.init(tags: [Tag.customer($0)]), .init(tags: [Tag.account($0)])]) },
        from: .memory { model, id in
            (model.customers[id]?.orders ?? []).compactMap { model.orders[$0] }
        })

    /// The number of given orders in each status. Unknown orders are not counted.
    static let count = ServiceQuery<Self, [String], [String: Int]>(
        "count",
        from: .memory { model, ids in counts(ids.lazy.compactMap { model.orders[$0] }) })

    /// The number of all orders in each status.
    static let summary = ServiceQuery<Self, Nothing, [String: Int]>(
        "summary", from: .memory { model, _ in counts(model.orders.rows.values) })

    private static func counts(_ orders: some Sequence<OrderView>) -> [String: Int] {
        orders.reduce(into: [:]) { $0[$1.status.rawValue, default: 0] += 1 }
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
