public import EventSourcing

/// A customer's credit limit as it is shown. Amounts are minor units of `currency`.
public struct CreditLimitView: Codable, Hashable, Sendable, Identifiable {
    /// The customer's id.
    public var id: String
    public var currency: Currency
    public var limit: Int64 = 0
    /// Set aside for open orders.
    public var reserved: Int64 = 0
    /// Drawn and not repaid.
    public var used: Int64 = 0
    /// The limit less what is reserved and used; never negative.
    public var available: Int64 = 0
    /// The last event in it, and when that was committed.
    public var position: UInt64
    public var updatedAt: Timestamp

    public init(id: String, currency: Currency, position: UInt64, updatedAt: Timestamp) {
        self.id = id
        self.currency = currency
        self.position = position
        self.updatedAt = updatedAt
    }
}
