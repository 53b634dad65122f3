import AccountDomain
import BalanceDomain
import Contracts
import ServiceRuntime

/// Opens accounts, and holds their money for orders.
enum BalanceService: EntityService {
    typealias Subject = Account
    typealias ReadProjection = BalanceProjection

    static let name = "balance"
    static let commands: [ServiceCommand<Account>] = [
        .init(OpenAccount.name) { .open($0) }
    ]
    static let queries: [any AnsweredQuery<Self>] = [entity, accounts, statement]

    static func participant(_: NoSettings) -> SagaParticipant? { BalanceParticipant() }
}
