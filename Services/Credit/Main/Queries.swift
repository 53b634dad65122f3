import AccountMain
import Contracts
import ServiceRuntime

extension CreditService {
    static let movements = movementQuery("credits")
}
