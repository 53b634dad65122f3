public import AccountMain
public import Contracts
public import EventSourcing
import GRDB
public import WithdrawDomain

extension WithdrawalView: MovementView {
    /// The name of the table of withdrawals.
    public static var databaseTableName: String { "withdraw" }
}

extension WithdrawProjection.Model: MovementModel {
    /// The columns with amounts.
    public static var amounts: [String] { ["amount"] }

    /// The withdrawals, in the order of the log.
    public var movements: Journal<WithdrawalView> {
        get { withdrawals }
        set { withdrawals = newValue }
    }
}
