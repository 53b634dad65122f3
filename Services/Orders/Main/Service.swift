import Contracts
import OrdersDomain
import ServiceRuntime

/// Places, confirms, rejects and cancels orders.
enum OrdersService: EntityService {
    typealias Subject = Orders
    typealias ReadProjection = OrdersProjection

    static let name = "orders"
    static let commands: [ServiceCommand<Orders>] = [
        .init(PlaceOrder.name) { .place($0) },
        .init(CancelOrder.name) { .cancel($0) },
    ]
    static let queries: [any AnsweredQuery<Self>] = [entity, customer, count, summary]

    static func participant(_: NoSettings) -> SagaParticipant? { OrdersParticipant() }
}
