public import AccountMain
public import Contracts
public import CreditDomain
public import EventSourcing
import GRDB

extension CreditView: MovementView {
    /// The name of the table of credits.
    public static var databaseTableName: String { "credit" }
}

extension CreditProjection.Model: MovementModel {
    /// The columns with amounts.
    public static var amounts: [String] { ["amount", "repaid"] }

    /// The credits, in the order of the log.
    public var movements: Journal<CreditView> {
        get { credits }
        set { credits = newValue }
    }
}
