/// Everything that the suite's services publish.
public enum Contract {
    /// The families of all types, one for each category.
    public static let families: [any PublishedPayloadFamily.Type] = [
        OrderEvent.self, RouteEvent.self, AccountEvent.self, CreditLimitEvent.self,
    ]
}
