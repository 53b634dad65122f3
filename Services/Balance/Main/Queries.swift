import AccountDomain
import AccountMain
import BalanceDomain
public import Contracts
import EventSourcing
public import ServiceRuntime
import WireProtocol

extension BalanceService {
    static let entity = ServiceQuery<Self, String, AccountView>(
        "account", of: events,
        fromMemory: { model, id in
            guard let view = model.accounts[id] else {
                throw DaybookError(.rejected, "there is no account \(id)")
            }
            return view
        })

    static let accounts = ServiceQuery<Self, Nothing, [AccountView]>(
        "accounts", fromMemory: { model, _ in model.accounts.sorted })

    static let statement = ServiceQuery<Self, String, [StatementEntry]>(
        "statement", of: events, fromDisk: StatementEntry.rows)

    private static func events(of account: String) throws -> EventQuery {
        .stream(try StreamName(category: Account.category, id: account))
    }
}

extension AccountView: FieldView {
    /// The account's fields with amounts in its currency.
    public var fields: [(name: String, value: String?)] {
        func amount(_ minor: Int64) -> String { Money(minor, currency).amountText }
        return [
            ("balance", amount(balance)), ("funds", amount(funds)), ("held", amount(held)),
            ("free", amount(free)), ("owed", amount(owed)), ("currency", "\(currency)"),
            ("openedAt", "\(openedAt)"),
        ]
    }
}
