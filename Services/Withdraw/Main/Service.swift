import AccountDomain
import AccountMain
import Contracts
import ServiceRuntime
import WithdrawDomain

/// Takes money out of accounts.
enum WithdrawService: MovementService {
    typealias Shown = WithdrawProjection

    static let name = "withdraw"
    static let call = WithdrawMoney.name

    static func message(account: String, amount: Money, reference: String) -> WithdrawMoney {
        WithdrawMoney(account: account, amount: amount, reference: reference)
    }

    static func command(_ message: WithdrawMoney) -> Account.Command { .withdraw(message) }
}
