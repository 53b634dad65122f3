public import AccountMain
public import Contracts
import GRDB
public import ServiceRuntime
public import WithdrawDomain

extension WithdrawalView: MovementView {
    /// The name of the table of withdrawals.
    public static var databaseTableName: String { "withdraw" }
}

extension WithdrawProjection.Model: StoredModel {
    /// The table of withdrawals.
    public static let tables: [StoredTable<Self>] = [.movements(\.withdrawals, amounts: ["amount"])]
}
