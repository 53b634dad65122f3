public import Contracts
import CreditLimitDomain
import EventSourcing
public import ServiceRuntime
import WireProtocol

extension CreditLimitService {
    static let entity = ServiceQuery<Self, String, CreditLimitView>(
        "limit", of: { .stream(try StreamName(category: CreditLimit.category, id: $0)) },
        fromMemory: { model, id in
            guard let view = model.limits[id] else {
                throw DaybookError(.rejected, "customer \(id) has no credit limit")
            }
            return view
        })

    static let limits = ServiceQuery<Self, Nothing, [CreditLimitView]>(
        "limits", fromMemory: { model, _ in model.limits.sorted })
}

extension CreditLimitView: FieldView {
    /// The credit limit's fields with amounts in its currency.
    public var fields: [(name: String, value: String?)] {
        func amount(_ minor: Int64) -> String { Money(minor, currency).amountText }
        return [
            ("limit", amount(limit)), ("reserved", amount(reserved)), ("used", amount(used)),
            ("available", amount(available)), ("currency", "\(currency)"),
        ]
    }
}
