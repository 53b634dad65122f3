public import GRDB
public import LoyaltyDomain
public import ServiceRuntime

extension PointsView: FetchableRecord, TableRecord {
    /// The name of the table of points.
    public static var databaseTableName: String { "points" }
}

extension PointsProjection.Model: StoredModel {
    /// The table of points.
    public static let tables: [StoredTable<Self>] = [
        .init(\.customers) { $0.required(.integer, "points", "earned") }
    ]
}
