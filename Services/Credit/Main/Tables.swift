public import AccountMain
public import Contracts
public import CreditDomain
import GRDB
public import ServiceRuntime

extension CreditView: MovementView {
    /// The name of the table of credits.
    public static var databaseTableName: String { "credit" }
}

extension CreditProjection.Model: StoredModel {
    /// The table of credits.
    public static let tables: [StoredTable<Self>] = [
        .movements(\.credits, amounts: ["amount", "repaid"])
    ]
}
