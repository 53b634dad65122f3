/// All that the suite's services publish.
public enum Contract {
    /// A family for each category, of all its types.
    public static let families: [any PublishedPayloadFamily.Type] = [
        OrderEvent.self, RouteEvent.self, AccountEvent.self, CreditLimitEvent.self,
    ]
}
