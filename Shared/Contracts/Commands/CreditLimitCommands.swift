/// Set how much the customer may owe, what is reserved for open orders included.
public struct SetCreditLimit: Codable, Hashable, Sendable {
    /// The name of the call that carries it.
    public static let name = "SetCreditLimit"

    public var customer: String
    /// Zero or more. Its currency can change only while nothing is reserved or used.
    public var limit: Money

    public init(customer: String, limit: Money) {
        self.customer = customer
        self.limit = limit
    }
}
