import LoyaltyDomain
import ServiceRuntime

/// Keeps the points of customers.
enum LoyaltyService: EntityService {
    typealias Subject = Card
    typealias ReadProjection = PointsProjection

    static let name = "loyalty"
    static let commands: [ServiceCommand<Card>] = [
        .init(EarnPoints.name) { .earn($0) },
        .init(RedeemPoints.name) { .redeem($0) },
    ]
    static let queries: [any AnsweredQuery<Self>] = [entity]

    static func participant(_: NoSettings) -> SagaParticipant? { LoyaltyParticipant() }
}
