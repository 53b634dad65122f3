/// A service of the suite, as other processes know it before it runs.
public struct SuiteService: Sendable {
    /// The name of the service.
    public let name: String
    /// The category of the streams that the service appends to.
    public let category: String

    /// All services of the suite. A service that is not here is found where it runs, see
    /// ``Endpoints/services(home:)``.
    public static let all: [SuiteService] = [
        .init("orders", appendsTo: "order"),
        .init("route", appendsTo: "route"),
        .init("balance", appendsTo: "account"),
        .init("creditLimit", appendsTo: "creditLimit"),
        .init("withdraw", appendsTo: "account"),
        .init("credit", appendsTo: "account"),
    ]

    private init(_ name: String, appendsTo category: String) {
        self.name = name
        self.category = category
    }
}
