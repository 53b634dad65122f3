/// All that the suite's services publish.
public enum Contract {
    /// A family for each category, of all its types.
    public static let families: [any PublishedPayloadFamily.Type] = [
        OrderEvent.self, RouteEvent.self, AccountEvent.self, CreditLimitEvent.self,
    ]

    /// The family of all types of the category, if it is the suite's.
    public static func family(of category: String) -> (any PublishedPayloadFamily.Type)? {
        families.first { $0.categories == [category] }
    }
}
