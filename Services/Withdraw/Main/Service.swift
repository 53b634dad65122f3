import AccountDomain
import AccountMain
import Contracts
import ServiceRuntime
import WithdrawDomain

/// Takes money out of accounts.
enum WithdrawService: MovementService {
    typealias ReadProjection = WithdrawProjection
    typealias Movement = WithdrawalView

    static let name = "withdraw"
    static let call = WithdrawMoney.name
    static let message = WithdrawMoney.init(account:amount:reference:)
    static let commands: [ServiceCommand<Account>] = [.init(call) { .withdraw($0) }]
    static let abstract = "Take money out of an account."
    static let noun = "withdrawal"
    static let pastTense = "withdrew"
    static let movements = movementQuery("withdrawals")

}
