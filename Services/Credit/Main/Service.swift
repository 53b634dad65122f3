import AccountDomain
import AccountMain
import Contracts
import CreditDomain
import ServiceRuntime

/// Pays money into accounts.
enum CreditService: MovementService {
    typealias Shown = CreditProjection

    static let name = "credit"
    static let call = CreditMoney.name

    static func message(account: String, amount: Money, reference: String) -> CreditMoney {
        CreditMoney(account: account, amount: amount, reference: reference)
    }

    static func command(_ message: CreditMoney) -> Account.Command { .credit(message) }
}
