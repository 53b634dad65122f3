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
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let deque: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let heap: Target.Dependency = .product(name: "HeapModule", package: "swift-collections")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")

/// Modules under Shared/, from the bottom up, and what each imports.
let shared: [(name: String, imports: [Target.Dependency])] = [
    ("Bytes", ["CCRC32C"]),
    ("Files", []),
    ("JSON", ["Bytes"]),
    ("EventSourcing", ["Bytes", "JSON", crypto]),
    ("EventSourcingTesting", ["EventSourcing"]),
    ("HistoryChecker", ["EventSourcing"]),
    ("Contracts", ["EventSourcing", "JSON"]),
    ("EventPattern", ["Bytes", "EventSourcing", "JSON"]),
    ("ObjectStorage", ["Bytes", "EventSourcing", "Files", crypto]),
    ("ZeroMQ", ["Bytes", "CZeroMQ"]),
    ("WireProtocol", ["Bytes", "EventSourcing", "JSON"]),
    ("Observability", ["Bytes", "EventSourcing", "JSON", "ZeroMQ", logging]),
    ("Keys", ["EventSourcing", "JSON", "Observability", "WireProtocol", "ZeroMQ", logging]),
    (
        "EventStoreClient",
        ["EventSourcing", "JSON", "Keys", "Observability", "WireProtocol", "ZeroMQ", deque]
    ),
    (
        "CallServer",
        [
            "EventSourcing", "JSON", "Observability", "WireProtocol", "ZeroMQ", deque, heap,
            logging,
        ]
    ),
    ("Trace", ["EventSourcing", "JSON", "WireProtocol"]),
    (
        "ServiceRuntime",
        [
            "CallServer", "EventSourcing", "EventStoreClient", "Files", "JSON", "Keys",
            "Observability", "WireProtocol", "ZeroMQ", grdb, heap, logging,
        ]
    ),
    (
        "CommandLine",
        [
            "Bytes", "EventSourcing", "EventStoreClient", "JSON", "Keys", "Observability",
            "ServiceRuntime", "Trace", "WireProtocol", "ZeroMQ", argumentParser, logging,
        ]
    ),
    (
        "IntegrationHarness",
        [
            "EventSourcing", "EventStoreClient", "JSON", "Keys", "Observability", "WireProtocol",
            "ZeroMQ",
        ]
    ),
]

/// The services, each a folder under Services/ with Domain, Main and Executable: the executable's
/// name, and what the domain and Main import beside what all of them do.
let services: [(folder: String, executable: String, domain: [Target.Dependency], main: [String])] =
    [
        ("Orders", "orders", [], ["Trace"]),
        ("Route", "route", [heap], []),
        ("Balance", "balance", ["AccountDomain"], ["AccountDomain", "AccountMain"]),
        ("CreditLimit", "creditLimit", [], []),
        ("Withdraw", "withdraw", [], ["AccountDomain", "AccountMain"]),
        ("Credit", "credit", [], ["AccountDomain", "AccountMain"]),
        ("Audit", "audit", [], []),
    ]

/// The modules of the event store, under Services/EventStore/, from the bottom up.
let eventStore: [(name: String, folder: String, imports: [Target.Dependency])] = [
    ("EventLog", "Log", ["Bytes", "EventSourcing", "Files", "JSON", crypto]),
    ("EventArchive", "Archive", ["Bytes", "CZlib", "EventSourcing", "JSON", "ObjectStorage"]),
    (
        "CloudEvents", "CloudEvents",
        ["Bytes", "EventSourcing", "EventStoreClient", "JSON", "WireProtocol"]
    ),
    (
        "EventStoreServer", "Server",
        [
            "Bytes", "CallServer", "EventLog", "EventSourcing", "JSON", "Observability",
            "WireProtocol", "ZeroMQ",
        ]
    ),
    (
        "EventBus", "Bus",
        [
            "Bytes", "CallServer", "EventArchive", "EventLog", "EventPattern", "EventSourcing",
            "EventStoreClient", "JSON", "ObjectStorage", "Observability", "ServiceRuntime",
            "WireProtocol", "ZeroMQ", deque, grdb, heap, logging,
        ]
    ),
    (
        "EventStoreMain", "Main",
        [
            "EventBus", "EventLog", "EventSourcing", "EventStoreClient", "EventStoreServer",
            "Keys", "ObjectStorage", "Observability", "ZeroMQ", logging,
        ]
    ),
    (
        "EventStoreCommandLine", "CommandLine",
        [
            "Bytes", "CloudEvents", "CommandLine", "Contracts", "EventArchive", "EventBus",
            "EventLog", "EventPattern", "EventSourcing", "EventStoreClient", "EventStoreMain",
            "JSON", "Keys", "ObjectStorage", "Observability", "ServiceRuntime", "Trace",
            "WireProtocol", "ZeroMQ", argumentParser, logging,
        ]
    ),
]

/// The targets under Tests/ and what each imports. Those that drive executables list their mains,
/// so that a test builds what it runs.
let tests: [(name: String, imports: [Target.Dependency], exclude: [String])] = [
    (
        "AccountDomainTests",
        ["AccountDomain", "Contracts", "EventSourcing", "EventSourcingTesting", "TestSupport"], []
    ),
    ("AuditDomainTests", ["AuditDomain", "Contracts", "EventSourcing", "TestSupport"], []),
    (
        "AuditMainTests",
        [
            "AuditDomain", "AuditMain", "Contracts", "EventSourcing", "JSON", "TestSupport",
            "WireProtocol",
        ], []
    ),
    (
        "BalanceDomainTests",
        [
            "AccountDomain", "BalanceDomain", "Contracts", "EventSourcing", "EventSourcingTesting",
            "TestSupport",
        ], []
    ),
    ("BytesTests", ["Bytes"], []),
    (
        "CallServerTests",
        [
            "CallServer", "EventSourcing", "EventStoreClient", "TestSupport", "WireProtocol",
            "ZeroMQ",
        ], []
    ),
    ("CloudEventsTests", ["CloudEvents", "EventSourcing", "TestSupport"], []),
    ("CommandLineTests", ["CommandLine", "EventSourcing", "ZeroMQ", argumentParser], []),
    (
        "ContractsTests",
        ["CloudEvents", "Contracts", "EventSourcing", "JSON", "ServiceRuntime", "WireProtocol"],
        ["Samples"]
    ),
    ("CreditDomainTests", ["Contracts", "CreditDomain", "EventSourcing", "TestSupport"], []),
    (
        "CreditLimitDomainTests",
        ["Contracts", "CreditLimitDomain", "EventSourcing", "EventSourcingTesting", "TestSupport"],
        []
    ),
    (
        "EventArchiveTests",
        ["Bytes", "EventArchive", "EventSourcing", "ObjectStorage", "TestSupport"], ["Samples"]
    ),
    (
        "EventBusTests",
        [
            "Bytes", "EventArchive", "EventBus", "EventLog", "EventSourcing",
            "EventSourcingTesting", "EventStoreClient", "EventStoreServer", "JSON", "ObjectStorage",
            "Observability", "ServiceRuntime", "TestSupport", "WireProtocol", "ZeroMQ", grdb,
            logging,
        ], []
    ),
    (
        "EventLogTests", ["Bytes", "EventLog", "EventSourcing", "JSON", "TestSupport", crypto],
        ["Samples"]
    ),
    ("EventPatternTests", ["EventPattern", "EventSourcing", "JSON", "TestSupport"], []),
    ("EventSourcingTestingTests", ["EventSourcing", "EventSourcingTesting"], []),
    ("EventSourcingTests", ["EventSourcing", "JSON"], []),
    (
        "EventStoreClientTests",
        [
            "CallServer", "EventLog", "EventSourcing", "EventStoreClient", "EventStoreServer",
            "TestSupport", "WireProtocol", "ZeroMQ", logging,
        ], []
    ),
    (
        "EventStoreCommandLineTests",
        ["EventSourcing", "EventStoreCommandLine", "TestSupport", "WireProtocol"], []
    ),
    (
        "EventStoreMainTests",
        [
            "EventBus", "EventSourcing", "EventStoreClient", "EventStoreMain", "WireProtocol",
            "ZeroMQ", logging,
        ], []
    ),
    (
        "EventStoreServerTests",
        [
            "Bytes", "EventLog", "EventSourcing", "EventStoreServer", "JSON", "Observability",
            "TestSupport", "WireProtocol", "ZeroMQ",
        ], []
    ),
    ("FilesTests", ["Files"], []),
    (
        "HistoryCheckerTests",
        ["AccountDomain", "Contracts", "EventSourcing", "HistoryChecker", "TestSupport"], []
    ),
    (
        "IntegrationTests",
        [
            "AccountDomain", "AuditDomain", "BalanceDomain", "CloudEvents", "Contracts",
            "CreditLimitDomain", "EventPattern", "EventSourcing", "JSON", "OrdersDomain",
            "RouteDomain", "TestSupport", "WireProtocol",
        ], []
    ),
    ("JSONTests", ["JSON", "TestSupport"], []),
    ("KeysTests", ["EventSourcing", "Keys", "WireProtocol", "ZeroMQ"], []),
    (
        "ObjectStorageTests", ["EventSourcing", "IntegrationHarness", "ObjectStorage", crypto],
        ["Servers"]
    ),
    ("ObservabilityTests", ["EventSourcing", "JSON", "Observability", logging], []),
    (
        "OrdersDomainTests",
        ["Contracts", "EventSourcing", "EventSourcingTesting", "OrdersDomain", "TestSupport"], []
    ),
    ("OrdersMainTests", ["Contracts", "EventSourcing", "OrdersMain", "WireProtocol"], []),
    (
        "RouteDomainTests",
        ["Contracts", "EventSourcing", "EventSourcingTesting", "RouteDomain", "TestSupport"], []
    ),
    (
        "ServiceRuntimeTests",
        [
            "AccountDomain", "BalanceDomain", "Contracts", "CreditLimitDomain", "EventBus",
            "EventLog", "EventSourcing", "EventStoreClient", "EventStoreServer", "JSON",
            "Observability", "OrdersDomain", "RouteDomain", "ServiceRuntime", "TestSupport",
            "WireProtocol", "ZeroMQ", grdb, logging,
        ], ["Samples"]
    ),
    (
        "SystemTests",
        [
            "AccountDomain", "AuditMain", "BalanceMain", "Bytes", "CommandLine", "Contracts",
            "CreditLimitMain", "CreditMain", "EventArchive", "EventBus", "EventLog",
            "EventSourcing", "EventStoreClient", "EventStoreCommandLine", "HistoryChecker",
            "IntegrationHarness", "JSON", "Keys", "ObjectStorage", "Observability", "OrdersMain",
            "RouteMain", "ServiceRuntime", "TestSupport", "WireProtocol", "WithdrawMain", "ZeroMQ",
            argumentParser, grdb, logging,
        ],
        [
            "PythonClient/check_client.py", "PythonClient/crowd.py", "PythonClient/follow.py",
            "Samples", "validate.py",
        ]
    ),
    ("TidyTests", ["TestSupport"], []),
    ("TraceTests", ["Contracts", "EventSourcing", "JSON", "Trace", "WireProtocol"], []),
    ("WireProtocolTests", ["EventSourcing", "JSON", "TestSupport", "WireProtocol"], []),
    ("WithdrawDomainTests", ["Contracts", "EventSourcing", "TestSupport", "WithdrawDomain"], []),
    ("ZeroMQTests", ["TestSupport", "ZeroMQ"], []),
]

// MARK: The targets that follow from the tables

func target(_ name: String, _ imports: [Target.Dependency], _ path: String) -> Target {
    .target(name: name, dependencies: imports, path: path, swiftSettings: strict)
}

/// An executable, `<path>/Executable`: one line that runs a Main.
func executable(_ name: String, _ mains: [String], _ path: String) -> Target {
    .executableTarget(
        name: name, dependencies: mains.map { .init(stringLiteral: $0) } + ["CommandLine"],
        path: "\(path)/Executable", swiftSettings: strict)
}

/// What the Main of every service imports.
let mainImports: [Target.Dependency] = [
    "Bytes", "CommandLine", "Contracts", "EventSourcing", "EventStoreClient", "JSON",
    "Observability", "ServiceRuntime", "WireProtocol", argumentParser, grdb,
]

func service(
    _ folder: String, _ executableName: String, _ domain: [Target.Dependency], _ main: [String],
    in path: String
) -> [Target] {
    var imports = mainImports
    for name in ["\(folder)Domain"] + main { imports.append(.init(stringLiteral: name)) }
    let resources: [Resource]? = folder == "Route" ? [.embedInCode("hubs.csv")] : nil
    return [
        target("\(folder)Domain", ["Contracts", "EventSourcing"] + domain, "\(path)/Domain"),
        .target(
            name: "\(folder)Main", dependencies: imports, path: "\(path)/Main",
            resources: resources, swiftSettings: strict),
        executable(executableName, ["\(folder)Main"], path),
    ]
}

var targets: [Target] = [
    // No pkgConfig: Debian's file names flags that SwiftPM prohibits; the modulemap links.
    .systemLibrary(
        name: "CZeroMQ", path: "Shared/CZeroMQ",
        providers: [.apt(["libzmq3-dev"]), .brew(["zeromq"])]),
    .systemLibrary(name: "CCRC32C", path: "Shared/CCRC32C"),
    .systemLibrary(
        name: "CZlib", path: "Shared/CZlib",
        providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
    executable("event-store", ["EventStoreCommandLine"], "Services/EventStore"),
    // The bounded context that balance, withdraw and credit share.
    target("AccountDomain", ["Contracts", "EventSourcing"], "Services/Account/Domain"),
    target("AccountMain", mainImports + ["AccountDomain"], "Services/Account/Main"),
    .executableTarget(
        name: "Benchmarks",
        dependencies: [
            "CommandLine", "Contracts", "EventLog", "EventPattern", "EventSourcing",
            "EventStoreClient", "Observability", "WireProtocol", "ZeroMQ", argumentParser,
        ], path: "Benchmarks", swiftSettings: strict),
    target("TestSupport", ["Contracts", "EventSourcing", "WireProtocol"], "Tests/TestSupport"),

    .testTarget(
        name: "LoyaltyTests",
        dependencies: [
            "Contracts", "EventSourcing", "EventSourcingTesting", "IntegrationHarness",
            "LoyaltyDomain", "LoyaltyMain",
        ], path: "examples/new-service/Tests", swiftSettings: strict),
]
// The service that docs/new-service.md shows.
targets += service("Loyalty", "loyalty", [], [], in: "examples/new-service")
var products: [Product] = [
    .executable(name: "event-store", targets: ["event-store"]),
    .executable(name: "daybook", targets: ["daybook"]),
    .executable(name: "loyalty", targets: ["loyalty"]),
]
for module in shared {
    targets.append(target(module.name, module.imports, "Shared/\(module.name)"))
    products.append(.library(name: module.name, targets: [module.name]))
}
for module in eventStore {
    targets.append(target(module.name, module.imports, "Services/EventStore/\(module.folder)"))
}
var mains = ["EventStoreCommandLine"]
for row in services {
    targets += service(
        row.folder, row.executable, row.domain, row.main, in: "Services/\(row.folder)")
    products.append(.executable(name: row.executable, targets: [row.executable]))
    mains.append("\(row.folder)Main")
}
targets.append(executable("daybook", mains, "Services/Daybook"))
for test in tests {
    targets.append(
        .testTarget(
            name: test.name, dependencies: test.imports, path: "Tests/\(test.name)",
            exclude: test.exclude, swiftSettings: strict))
}

let package = Package(
    name: "daybook",
    platforms: [.macOS(.v26)],
    products: products,
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", exact: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
    ],
    targets: targets,
    swiftLanguageModes: [.v6]
)

// The fuzzers are a test target, which runs the inputs that were kept. scripts/fuzz sets
// DAYBOOK_FUZZ to make them an executable instead, for libFuzzer.
let fuzzed: [Target.Dependency] = [
    "Bytes", "CloudEvents", "Contracts", "EventArchive", "EventBus", "EventLog", "EventPattern",
    "EventSourcing", "JSON", "Keys", "ObjectStorage", "Observability", "OrdersMain",
    "RouteDomain", "WireProtocol",
]
package.targets.append(
    Context.environment["DAYBOOK_FUZZ"] == nil
        ? .testTarget(
            name: "FuzzTests", dependencies: fuzzed + ["TestSupport"], path: "Tests/FuzzTests",
            exclude: ["Corpora", "Runner"], swiftSettings: strict)
        : .executableTarget(
            name: "fuzz", dependencies: fuzzed, path: "Tests/FuzzTests",
            exclude: ["Corpora", "CorpusTests.swift"], swiftSettings: strict))
