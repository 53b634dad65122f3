import AccountDomain
import AccountMain
import Contracts
import CreditDomain
import ServiceRuntime

/// Pays money into accounts.
enum CreditService: MovementService {
    typealias ReadProjection = CreditProjection
    typealias Movement = CreditView

    static let name = "credit"
    static let call = CreditMoney.name
    static let message = CreditMoney.init(account:amount:reference:)
    static let commands: [ServiceCommand<Account>] = [.init(call) { .credit($0) }]
    static let abstract = "Pay money into an account."
    static let noun = "credit"
    static let pastTense = "credited"
    static let movements = movementQuery("credits")

}
