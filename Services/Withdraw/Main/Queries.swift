import AccountMain
import Contracts
import ServiceRuntime

extension WithdrawService {
    static let movements = movementQuery("withdrawals")
}
