import Contracts
import CreditLimitDomain
import EventSourcing
import ServiceKit

extension CreditLimits {
    static let limit = ServiceQuery<Self, String, CreditLimitView>(
        "limit", of: { .stream(try StreamName(category: CreditLimit.category, id: $0)) },
        fromMemory: { model, id in
            guard let view = model.limits[id] else {
                throw Refusal(description: "customer \(id) has no credit limit")
            }
            return view
        })

    static let limits = ServiceQuery<Self, Nothing, [CreditLimitView]>(
        "limits", fromMemory: { model, _ in model.limits.sorted })
}
