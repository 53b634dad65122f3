public import EventSourcing

/// A customer's credit limit, for queries. Amounts are in minor units of `currency`.
public struct CreditLimitView: EntityView {
    /// The id of the customer.
    public var id: String
    /// The currency of the limit.
    public var currency: Currency
    /// The highest amount that the customer may owe.
    public var limit: Int64 = 0
    /// The credit reserved for open orders.
    public var reserved: Int64 = 0
    /// The credit that was used and not repaid.
    public var used: Int64 = 0
    /// The limit minus what is reserved and used. Never negative.
    public var available: Int64 = 0
    /// The position of the last event in this view.
    public var position: UInt64 = 0
    /// The time of that event.
    public var updatedAt = Timestamp.earliest

    /// Creates the view of a limit of zero.
    public init(id: String, currency: Currency) {
        self.id = id
        self.currency = currency
    }
}
