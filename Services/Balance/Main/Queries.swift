import AccountDomain
import AccountMain
import BalanceDomain
public import Contracts
import EventSourcing
public import ServiceRuntime
import WireProtocol

extension BalanceService {
    static let entity = ServiceQuery<Self, String, AccountView>(
        "account", in: \.accounts, orReject: { "there is no account \($0)" })

    static let accounts = ServiceQuery<Self, Nothing, [Listed<AccountView>]>(
        "accounts", from: .memory { model, _ in model.listed(\.accounts) })

    static let statement = ServiceQuery<Self, String, [StatementEntry]>(
        "statement", of: { .stream(try StreamName(category: Account.category, id: $0)) },
        from: .disk(StatementEntry.rows))
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
