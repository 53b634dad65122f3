/// Sets how much a customer may owe, including the credit reserved for open orders.
public struct SetCreditLimit: Codable, Hashable, Sendable {
    /// The name of the call that carries the command.
    public static let name = "SetCreditLimit"

    /// The id of the customer.
    public var customer: String
    /// The new limit, zero or more. Its currency can change only while nothing is reserved or used.
    public var limit: Money

    /// Creates the command.
    public init(customer: String, limit: Money) {
        self.customer = customer
        self.limit = limit
    }
}
