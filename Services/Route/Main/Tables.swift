public import Contracts
public import GRDB
public import RouteDomain
public import ServiceRuntime

extension RouteView: FetchableRecord, TableRecord {
    /// The name of the table of routes.
    public static var databaseTableName: String { "route" }
}

extension RouteProjection.Model: StoredModel {
    /// The table of routes.
    public static let tables: [StoredTable<Self>] = [
        .init(\.routes) { table in
            table.required(.text, "customer", "status")
            table.required(.jsonText, "legs")
            table.optional(
                .text, "origin", "destination", "currency", "arrivesAt", "reason", "detail")
            table.optional(.integer, "shipping", "total")
            table.required(.integer, "position")
            table.required(.text, "updatedAt")
        }
    ]
}
