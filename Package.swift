// swift-tools-version: 6.2
import PackageDescription

// Every target of ours is held to these; warnings are errors in this package alone.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

let argumentParser: Target.Dependency = .product(
    name: "ArgumentParser", package: "swift-argument-parser")
let coreMetrics: Target.Dependency = .product(name: "CoreMetrics", package: "swift-metrics")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")

/// A module under Shared/.
func shared(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(
        name: name, dependencies: dependencies, path: "Shared/\(name)", swiftSettings: strict)
}

/// A service's domain, `Services/<service>/Domain`: pure.
func domain(_ service: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(
        name: "\(service)Domain", dependencies: ["Contracts", "EventSourcing"] + dependencies,
        path: "Services/\(service)/Domain", swiftSettings: strict)
}

/// What a service's executable does, `Services/<service>/Main`.
func main(
    _ service: String, _ domain: [Target.Dependency], resources: [Resource]? = nil
) -> Target {
    .target(
        name: "\(service)Main",
        dependencies: domain + [
            "Contracts", "EventSourcing", "EventStoreClient", "ServiceKit", "WireProtocol",
            argumentParser, grdb,
        ],
        path: "Services/\(service)/Main", resources: resources, swiftSettings: strict)
}

/// An executable, `Services/<service>/Executable`: one line that runs what is in Main.
///
/// - Parameter mains: what it runs, if not its service's Main.
func executable(_ name: String, _ service: String, _ mains: [String]? = nil) -> Target {
    let mains = mains ?? ["\(service)Main"]
    return .executableTarget(
        name: name, dependencies: mains.map { .init(stringLiteral: $0) } + ["ServiceKit"],
        path: "Services/\(service)/Executable", swiftSettings: strict)
}

func test(
    _ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []
) -> Target {
    .testTarget(
        name: name, dependencies: dependencies, path: "Tests/\(name)", exclude: exclude,
        swiftSettings: strict)
}

let package = Package(
    name: "daybook",
    platforms: [.macOS(.v26)],
    products: [
        .executable(name: "event-store", targets: ["event-store"]),
        .executable(name: "orders", targets: ["orders"]),
        .executable(name: "route", targets: ["route"]),
        .executable(name: "balance", targets: ["balance"]),
        .executable(name: "creditLimit", targets: ["creditLimit"]),
        .executable(name: "withdraw", targets: ["withdraw"]),
        .executable(name: "credit", targets: ["credit"]),
        .executable(name: "audit", targets: ["audit"]),
        .executable(name: "daybook", targets: ["daybook"]),
        .executable(name: "loyalty", targets: ["LoyaltyMain"]),
        .library(name: "Contracts", targets: ["Contracts"]),
        .library(name: "IntegrationHarness", targets: ["IntegrationHarness"]),
        .library(name: "ServiceKit", targets: ["ServiceKit"]),
        .library(name: "CloudEvents", targets: ["CloudEvents"]),
        .library(name: "EventStoreClient", targets: ["EventStoreClient"]),
        .library(name: "EventPattern", targets: ["EventPattern"]),
        .library(name: "EventSourcing", targets: ["EventSourcing"]),
        .library(name: "EventSourcingTesting", targets: ["EventSourcingTesting"]),
        .library(name: "Prometheus", targets: ["Prometheus"]),
        .library(name: "WireProtocol", targets: ["WireProtocol"]),
        .library(name: "ZeroMQ", targets: ["ZeroMQ"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", exact: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", exact: "2.13.0"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    ],
    targets: [
        // No pkgConfig: Debian's file names flags that SwiftPM prohibits; the modulemap links.
        .systemLibrary(
            name: "CZeroMQ", path: "Shared/CZeroMQ",
            providers: [.apt(["libzmq3-dev"]), .brew(["zeromq"])]),
        shared("ZeroMQ", ["CZeroMQ"]),
        .systemLibrary(name: "CCRC32C", path: "Shared/CCRC32C"),
        .systemLibrary(
            name: "CZlib", path: "Shared/CZlib",
            providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
        shared("EventSourcing", ["CCRC32C"]),
        shared("Prometheus", [coreMetrics]),
        shared("EventPattern", ["EventSourcing"]),
        shared("EventSourcingTesting", ["EventSourcing"]),
        shared("HistoryChecker", ["EventSourcing"]),
        shared("WireProtocol", ["EventSourcing"]),
        shared(
            "EventStoreClient",
            [
                "EventSourcing", "WireProtocol", "ZeroMQ",
                .product(name: "DequeModule", package: "swift-collections"),
            ]),
        shared("ObjectStorage", ["EventSourcing", crypto]),
        shared("CloudEvents", ["EventSourcing", "ServiceKit"]),
        shared("Contracts", ["EventSourcing"]),
        shared(
            "IntegrationHarness", ["EventSourcing", "EventStoreClient", "ServiceKit", "ZeroMQ"]),
        shared(
            "ServiceKit",
            [
                "EventSourcing", "EventStoreClient", "Prometheus", "WireProtocol", "ZeroMQ",
                argumentParser, coreMetrics, crypto, grdb,
                .product(name: "HeapModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ]),

        .target(
            name: "EventLog", dependencies: ["EventSourcing", crypto],
            path: "Services/EventStore/Log", swiftSettings: strict),
        .target(
            name: "EventArchive", dependencies: ["CZlib", "EventSourcing", "ObjectStorage"],
            path: "Services/EventStore/Archive", swiftSettings: strict),
        .target(
            name: "EventBus",
            dependencies: [
                "EventArchive", "EventLog", "EventPattern", "EventSourcing", "EventStoreClient",
                "Prometheus", "ObjectStorage", "ServiceKit", "WireProtocol", "ZeroMQ", grdb,
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HeapModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
            ], path: "Services/EventStore/Bus", swiftSettings: strict),
        .target(
            name: "EventStoreServer",
            dependencies: ["EventLog", "EventSourcing", "Prometheus", "WireProtocol", "ZeroMQ"],
            path: "Services/EventStore/Server", swiftSettings: strict),
        .target(
            name: "EventStoreMain",
            dependencies: [
                "CloudEvents", "Contracts", "EventArchive", "EventBus", "EventLog",
                "EventPattern", "EventSourcing", "EventStoreClient", "EventStoreServer",
                "Prometheus", "ObjectStorage", "ServiceKit", "WireProtocol", "ZeroMQ",
                argumentParser, crypto,
                .product(name: "Logging", package: "swift-log"),
            ], path: "Services/EventStore/Main", swiftSettings: strict),
        .executableTarget(
            name: "Benchmarks",
            dependencies: [
                "Contracts", "EventLog", "EventPattern", "EventSourcing", "EventStoreClient",
                "ServiceKit", "WireProtocol", "ZeroMQ", argumentParser,
            ], path: "Benchmarks", swiftSettings: strict),
        main("Orders", ["OrdersDomain"]),
        main("Route", ["RouteDomain"], resources: [.embedInCode("hubs.csv")]),
        main("Balance", ["BalanceDomain", "AccountDomain"]),
        main("CreditLimit", ["CreditLimitDomain"]),
        main("Withdraw", ["WithdrawDomain", "AccountDomain"]),
        main("Credit", ["CreditDomain", "AccountDomain"]),
        main("Audit", ["AuditDomain"]),

        executable("event-store", "EventStore"),
        executable("orders", "Orders"),
        executable("route", "Route"),
        executable("balance", "Balance"),
        executable("creditLimit", "CreditLimit"),
        executable("withdraw", "Withdraw"),
        executable("credit", "Credit"),
        executable("audit", "Audit"),
        executable(
            "daybook", "Daybook",
            [
                "AuditMain", "BalanceMain", "CreditLimitMain", "CreditMain", "EventStoreMain",
                "OrdersMain", "RouteMain", "WithdrawMain",
            ]),

        domain("Account"),
        domain("Orders"),
        domain("Balance", ["AccountDomain"]),
        domain("CreditLimit"),
        domain("Audit"),
        domain(
            "Route", [.product(name: "HeapModule", package: "swift-collections")]),
        domain("Withdraw"),
        domain("Credit"),

        // The service that docs/new-service.md shows how to write.
        .target(
            name: "LoyaltyDomain", dependencies: ["Contracts", "EventSourcing"],
            path: "examples/new-service/Domain", swiftSettings: strict),
        .executableTarget(
            name: "LoyaltyMain",
            dependencies: ["EventSourcing", "LoyaltyDomain", "ServiceKit", argumentParser, grdb],
            path: "examples/new-service/Main", swiftSettings: strict),
        .testTarget(
            name: "LoyaltyTests",
            dependencies: [
                "Contracts", "EventSourcing", "EventSourcingTesting", "IntegrationHarness",
                "LoyaltyDomain", "LoyaltyMain", "ServiceKit",
            ], path: "examples/new-service/Tests", swiftSettings: strict),

        .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: strict),
        // Samples are read where they lie.
        test("EventLogTests", ["EventLog", "EventSourcing"], exclude: ["Samples"]),
        test(
            "EventArchiveTests", ["EventArchive", "EventSourcing", "ObjectStorage"],
            exclude: ["Samples"]),
        test(
            "ObjectStorageTests",
            ["EventSourcing", "IntegrationHarness", "ObjectStorage", crypto],
            exclude: ["Servers"]),
        test(
            "EventBusTests",
            [
                "EventArchive", "EventBus", "EventLog", "EventSourcing", "EventStoreClient",
                "EventStoreServer", "ObjectStorage", "ServiceKit", "TestSupport", "WireProtocol",
                "ZeroMQ", grdb, .product(name: "Logging", package: "swift-log"),
            ]),
        test(
            "EventStoreServerTests",
            ["EventLog", "EventSourcing", "EventStoreServer", "WireProtocol", "ZeroMQ"]),
        test(
            "EventStoreClientTests",
            [
                "EventLog", "EventSourcing", "EventStoreClient", "EventStoreServer",
                "WireProtocol", "ZeroMQ",
            ]),
        test(
            "ObservationTests",
            [
                "EventSourcing", "Prometheus", "ServiceKit", "ZeroMQ", coreMetrics,
                .product(name: "Logging", package: "swift-log"),
            ]),
        test("EventPatternTests", ["EventPattern", "EventSourcing"]),
        test(
            "HistoryCheckerTests",
            ["AccountDomain", "Contracts", "EventSourcing", "HistoryChecker"]),
        test(
            "BoundaryTests",
            [
                "AccountDomain", "BalanceDomain", "BalanceMain", "CloudEvents", "Contracts",
                "CreditLimitDomain", "CreditLimitMain", "CreditMain", "EventSourcing",
                "EventStoreClient", "EventStoreMain", "IntegrationHarness", "OrdersMain",
                "RouteDomain", "RouteMain", "ServiceKit", "TestSupport", "WireProtocol",
                "WithdrawMain", "ZeroMQ", argumentParser,
            ]),
        test("EventSourcingTests", ["EventSourcing", "EventSourcingTesting"]),
        test("ZeroMQTests", ["TestSupport", "ZeroMQ"]),
        test(
            "SagaTests",
            [
                "AccountDomain", "AuditDomain", "BalanceDomain", "Contracts", "CreditLimitDomain",
                "EventSourcing", "EventSourcingTesting", "OrdersDomain", "RouteDomain",
            ]),
        test("CloudEventsTests", ["CloudEvents", "EventSourcing"]),
        test(
            "EventStoreMainTests",
            [
                "Contracts", "EventArchive", "EventLog", "EventSourcing", "EventStoreClient",
                "EventStoreMain", "IntegrationHarness", "ObjectStorage", "ServiceKit",
                "TestSupport",
                "WireProtocol",
            ]),
        test(
            "PythonClientTests",
            [
                "EventSourcing", "EventStoreClient", "EventStoreMain", "IntegrationHarness",
                "TestSupport",
                "WireProtocol",
            ], exclude: ["check_client.py", "follow.py"]),
        test(
            "ContractsTests", ["CloudEvents", "Contracts", "EventSourcing"], exclude: ["Samples"]),
        test(
            "AuditTests",
            ["AuditDomain", "AuditMain", "Contracts", "EventSourcing", "WireProtocol"]),
        test("OrdersMainTests", ["Contracts", "EventSourcing", "OrdersMain", "ServiceKit"]),
        test(
            "ParticipantTests",
            [
                "AccountDomain", "BalanceDomain", "Contracts", "CreditLimitDomain", "EventBus",
                "EventLog",
                "EventPattern", "EventSourcing", "EventStoreClient", "EventStoreServer",
                "OrdersDomain", "RouteDomain", "ServiceKit", "TestSupport", "WireProtocol",
                "ZeroMQ", grdb, .product(name: "Logging", package: "swift-log"),
            ], exclude: ["Samples"]),
        test(
            "RouteTests", ["Contracts", "EventSourcing", "EventSourcingTesting", "RouteDomain"]),
        test(
            "ProjectionTests",
            [
                "BalanceDomain", "Contracts", "CreditDomain", "CreditLimitDomain", "EventSourcing",
                "OrdersDomain", "RouteDomain", "WithdrawDomain",
            ]),
        test("RouteNetworkTests", ["Contracts", "EventSourcing", "RouteDomain"]),
        test(
            "SystemTests",
            [
                "AccountDomain", "AuditMain", "BalanceMain", "Contracts", "CreditLimitMain",
                "CreditMain", "EventSourcing", "EventStoreClient", "EventStoreMain",
                "HistoryChecker", "IntegrationHarness", "OrdersMain", "RouteMain", "ServiceKit",
                "TestSupport",
                "WireProtocol", "WithdrawMain", "ZeroMQ", grdb,
            ], exclude: ["Samples", "validate.py"]),
        test(
            "PastTests",
            [
                "BalanceMain", "Contracts", "CreditLimitMain", "CreditMain", "EventSourcing",
                "EventStoreClient", "EventStoreMain", "IntegrationHarness", "OrdersMain",
                "RouteMain", "ServiceKit", "TestSupport", "WireProtocol", "WithdrawMain", grdb,
            ]),
        test("TraceTests", ["Contracts", "EventSourcing", "ServiceKit", "WireProtocol"]),
        test("TidyTests", ["TestSupport"]),
        test("WireProtocolTests", ["EventSourcing", "WireProtocol"]),
    ],
    swiftLanguageModes: [.v6]
)

// The fuzzers are a test target, which runs the inputs that were kept. scripts/fuzz sets DAYBOOK_FUZZ
// to make them an executable instead, for libFuzzer.
let fuzzed: [Target.Dependency] = [
    "CloudEvents", "Contracts", "EventArchive", "EventBus", "EventLog", "EventPattern",
    "EventSourcing", "ObjectStorage", "OrdersMain", "RouteDomain", "ServiceKit", "WireProtocol",
]
package.targets.append(
    Context.environment["DAYBOOK_FUZZ"] == nil
        ? .testTarget(
            name: "FuzzTests", dependencies: fuzzed + ["TestSupport"], path: "Tests/FuzzTests",
            exclude: ["Corpora", "Runner"], swiftSettings: strict)
        : .executableTarget(
            name: "fuzz", dependencies: fuzzed, path: "Tests/FuzzTests",
            exclude: ["Corpora", "CorpusTests.swift"], swiftSettings: strict))
