import Contracts
import CreditLimitDomain
import ServiceRuntime

/// Sets credit limits, and reserves and draws credit for orders.
enum CreditLimitService: EntityService {
    typealias Subject = CreditLimit
    typealias ReadProjection = CreditLimitProjection

    static let name = "creditLimit"
    static let commands: [ServiceCommand<CreditLimit>] = [
        .init(SetCreditLimit.name) { .set($0) }
    ]
    static let queries: [any AnsweredQuery<Self>] = [entity, limits]

    static func participant(_: NoSettings) -> SagaParticipant? { CreditLimitParticipant() }
}
