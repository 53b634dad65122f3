/// All that the suite's services publish.
public enum Contract {
    /// A family for each category, of all its types.
    public static let families: [any PublishedPayloadFamily.Type] = [
        OrderEvent.self, RouteEvent.self, AccountEvent.self, CreditLimitEvent.self,
    ]

    /// The services that publish it.
    public static let services = Set(families.flatMap { $0.payloads.map { $0.writer } }).sorted()
}
