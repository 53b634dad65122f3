/// The modules that the files of a folder may import: `ours` are Daybook's, `others` are not. `*`
/// stands for any service, and in a module for that service's name. The first matching row counts.
///
/// Imports point down: Shared does not import any service, and services share only Contracts.
/// Balance, withdraw and credit also share one aggregate, in Account.
struct Layer {
    let folder: String
    let ours: [String]
    let others: [String]

    static let all: [Layer] = [
        Layer("Shared/CZeroMQ", [], []),
        // It needs the processor's checksum instruction.
        Layer("Shared/EventSourcing", ["CCRC32C"], ["Synchronization"]),
        Layer("Shared/EventSourcingTesting", ["EventSourcing"], []),
        Layer("Shared/HistoryChecker", ["EventSourcing"], []),
        Layer("Shared/Prometheus", [], ["CoreMetrics", "Synchronization"]),
        Layer("Shared/EventPattern", ["EventSourcing"], ["Foundation"]),
        Layer("Shared/CloudEvents", ["EventSourcing", "ServiceKit"], ["Foundation"]),
        Layer("Shared/Contracts", ["EventSourcing"], ["Foundation", "FoundationEssentials"]),
        Layer("Shared/WireProtocol", ["EventSourcing"], []),
        Layer("Shared/CZlib", [], []),
        Layer(
            "Shared/ObjectStorage", ["EventSourcing"],
            ["Crypto", "Foundation", "FoundationNetworking", "Glibc", "Synchronization"]),
        Layer("Shared/ZeroMQ", ["CZeroMQ"], ["Foundation", "Synchronization"]),
        Layer(
            "Shared/EventStoreClient", ["EventSourcing", "WireProtocol", "ZeroMQ"],
            ["DequeModule", "Foundation"]),
        Layer(
            "Shared/ServiceKit",
            ["EventSourcing", "EventStoreClient", "Prometheus", "WireProtocol", "ZeroMQ"],
            [
                "ArgumentParser", "CoreMetrics", "Crypto", "Foundation", "GRDB", "HeapModule",
                "Logging",
                "ServiceLifecycle", "Synchronization", "UnixSignals",
            ]),
        Layer(
            "Shared/IntegrationHarness",
            ["EventSourcing", "EventStoreClient", "ServiceKit", "WireProtocol", "ZeroMQ"],
            ["Foundation"]),

        // The log's chain uses SHA-256. The executable signs its head.
        Layer(
            "Services/EventStore/Log", ["EventSourcing"],
            ["Crypto", "Dispatch", "Glibc", "Synchronization"]),
        Layer(
            "Services/EventStore/Archive", ["CZlib", "EventSourcing", "ObjectStorage"],
            ["Foundation"]),
        Layer(
            "Services/EventStore/Bus",
            [
                "EventArchive", "EventLog", "EventPattern", "EventSourcing", "EventStoreClient",
                "Prometheus", "ObjectStorage", "ServiceKit", "WireProtocol", "ZeroMQ",
            ], ["DequeModule", "Foundation", "GRDB", "HeapModule", "Logging"]),
        Layer(
            "Services/EventStore/Server",
            ["EventLog", "EventSourcing", "Prometheus", "WireProtocol", "ZeroMQ"], ["Foundation"]),
        // One command needs the contracts: it exports events in their current versions.
        Layer(
            "Services/EventStore/Main",
            [
                "CloudEvents", "Contracts", "EventArchive", "EventBus", "EventLog",
                "EventPattern", "EventSourcing", "EventStoreClient", "EventStoreServer",
                "Prometheus", "ObjectStorage", "ServiceKit", "WireProtocol", "ZeroMQ",
            ], ["ArgumentParser", "Crypto", "Foundation", "Logging"]),

        // Domains are pure. Collections are values, and the route network needs the sine.
        Layer(
            "Services/Route/Domain", ["Contracts", "EventSourcing", "RouteDomain"],
            ["Foundation", "HeapModule"]),
        Layer(
            "Services/Balance/Domain",
            ["AccountDomain", "BalanceDomain", "Contracts", "EventSourcing"], []),
        Layer("Services/*/Domain", ["*Domain", "Contracts", "EventSourcing"], []),

        // Each executable runs its service's Main module. `daybook` runs any of them.
        Layer(
            "Services/Daybook/Executable",
            [
                "AuditMain", "BalanceMain", "CreditLimitMain", "CreditMain", "EventStoreMain",
                "OrdersMain", "RouteMain", "ServiceKit", "WithdrawMain",
            ], []),
        Layer("Services/*/Executable", ["*Main", "ServiceKit"], []),
        account("Balance"), account("Withdraw"), account("Credit"),
        Layer("Services/Route/Main", ["*Domain"] + main, mainOthers + ["Synchronization"]),
        Layer("Services/*/Main", ["*Domain"] + main, mainOthers),
        Layer("examples/new-service/Domain", ["Contracts", "EventSourcing"], []),
        Layer("examples/new-service/Main", ["LoyaltyDomain"] + main, mainOthers),
    ]

    private static let main = [
        "Contracts", "EventSourcing", "EventStoreClient", "ServiceKit", "WireProtocol",
    ]
    private static let mainOthers = ["ArgumentParser", "Foundation", "GRDB"]

    private static func account(_ service: String) -> Layer {
        Layer("Services/\(service)/Main", ["*Domain", "AccountDomain"] + main, mainOthers)
    }

    init(_ folder: String, _ ours: [String], _ others: [String]) {
        self.folder = folder
        self.ours = ours
        self.others = others
    }

    /// Returns the layer of the file and the modules that it may import.
    static func of(_ path: String) -> (layer: Layer, imports: Set<String>)? {
        for layer in all {
            let pattern = layer.folder.split(separator: "/")
            let parts = path.split(separator: "/")
            guard parts.count > pattern.count,
                zip(pattern, parts).allSatisfy({ $0 == "*" || $0 == $1 })
            else { continue }
            let names = layer.ours.map { $0.replacing("*", with: parts[1]) } + layer.others
            return (layer, Set(names))
        }
        return nil
    }
}
