public import Contracts
public import GRDB
public import OrdersDomain
public import ServiceRuntime

extension OrderView: FetchableRecord, TableRecord {
    /// The name of the table of orders.
    public static var databaseTableName: String { "order" }
}

extension CustomerOrdersView: FetchableRecord, TableRecord {
    /// The name of the table of customers' orders.
    public static var databaseTableName: String { "customer" }
}

extension OrdersProjection.Model: StoredModel {
    /// The tables of orders and of customers.
    public static let tables: [StoredTable<Self>] = [
        .init(\.orders) { table in
            table.column("customer", .text).notNull().indexed()
            table.required(.text, "status", "currency")
            table.required(.jsonText, "items")
            table.required(.integer, "itemsTotal")
            table.optional(.integer, "shipping", "total", "fromBalance", "fromCredit")
            table.optional(.text, "origin", "destination", "placedAt", "deadline")
            table.optional(.text, "arrivesAt", "endedAt", "reason", "detail")
            table.required(.integer, "position")
            table.required(.text, "updatedAt")
        },
        .init(\.customers) { table in
            table.required(.jsonText, "orders")
            table.required(.integer, "position")
            table.required(.text, "updatedAt")
        },
    ]
}
