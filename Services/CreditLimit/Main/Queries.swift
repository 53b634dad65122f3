public import Contracts
import CreditLimitDomain
import EventSourcing
public import ServiceRuntime
import WireProtocol

extension CreditLimitService {
    static let entity = ServiceQuery<Self, String, CreditLimitView>(
        "limit", in: \.limits, orReject: { "customer \($0) has no credit limit" })

    static let limits = ServiceQuery<Self, Nothing, [Listed<CreditLimitView>]>(
        "limits", from: .memory { model, _ in model.listed(\.limits) })
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
