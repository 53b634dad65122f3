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
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let lifecycle: Target.Dependency = .product(
    name: "ServiceLifecycle", package: "swift-service-lifecycle")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")

/// A module under Shared/.
func shared(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(
        name: name, dependencies: dependencies, path: "Shared/\(name)", swiftSettings: strict)
}

/// A part of a service: `Services/<service>/<part>`.
func part(
    _ name: String, of service: String, _ folder: String, _ dependencies: [Target.Dependency],
    resources: [Resource]? = nil
) -> Target {
    .target(
        name: name, dependencies: dependencies, path: "Services/\(service)/\(folder)",
        resources: resources, swiftSettings: strict)
}

/// A service's executable, `Services/<service>/Main`.
func main(_ service: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: "\(service)Main", dependencies: dependencies, path: "Services/\(service)/Main",
        swiftSettings: strict)
}

func test(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource]? = nil) -> Target {
    .testTarget(
        name: name, dependencies: dependencies, path: "Tests/\(name)", resources: resources,
        swiftSettings: strict)
}

let domain: [Target.Dependency] = ["EventSourcing", "Contracts"]
let process: [Target.Dependency] = [
    "ServiceKit", "EventStoreClient", "EventSourcing", "Contracts", argumentParser, grdb,
]

let package = Package(
    name: "daybook",
    platforms: [.macOS(.v26)],
    products: [
        .executable(name: "event-store", targets: ["EventStoreMain"]),
        .executable(name: "orders", targets: ["OrdersMain"]),
        .executable(name: "route", targets: ["RouteMain"]),
        .executable(name: "balance", targets: ["BalanceMain"]),
        .executable(name: "creditLimit", targets: ["CreditLimitMain"]),
        .executable(name: "withdraw", targets: ["WithdrawMain"]),
        .executable(name: "credit", targets: ["CreditMain"]),
        .executable(name: "audit", targets: ["AuditMain"]),
        .library(name: "EventSourcing", targets: ["EventSourcing"]),
        .library(name: "EventStoreClient", targets: ["EventStoreClient"]),
        .library(name: "ServiceKit", targets: ["ServiceKit"]),
        .library(name: "EventSourcingTesting", targets: ["EventSourcingTesting"]),
        .library(name: "IntegrationHarness", targets: ["IntegrationHarness"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    ],
    targets: [
        // No pkgConfig: Debian's file names flags that SwiftPM prohibits; the modulemap links.
        .systemLibrary(
            name: "CZeroMQ", path: "Shared/CZeroMQ",
            providers: [.apt(["libzmq3-dev"]), .brew(["zeromq"])]),
        shared("ZeroMQ", ["CZeroMQ"]),
        shared("EventSourcing"),
        shared("WireProtocol", ["EventSourcing"]),
        shared("Contracts", ["EventSourcing"]),
        shared("EventStoreClient", ["EventSourcing", "WireProtocol", "ZeroMQ", logging]),
        shared(
            "ServiceKit",
            [
                "EventSourcing", "EventStoreClient", "WireProtocol", "ZeroMQ",
                argumentParser, crypto, grdb, lifecycle, logging,
            ]),
        shared("EventSourcingTesting", ["EventSourcing"]),
        shared("IntegrationHarness", ["EventSourcing", "EventStoreClient"]),

        part("EventLog", of: "EventStore", "Log", ["EventSourcing"]),
        part(
            "EventStoreServer", of: "EventStore", "Server",
            ["EventLog", "EventSourcing", "WireProtocol", "ZeroMQ", logging]),
        main(
            "EventStore",
            [
                "EventStoreServer", "EventLog", "ServiceKit", "EventStoreClient", "EventSourcing",
                argumentParser, lifecycle, logging,
            ]),

        part("AccountDomain", of: "Account", "Domain", domain),
        part("OrdersDomain", of: "Orders", "Domain", domain),
        part("RouteDomain", of: "Route", "Domain", domain),
        part("BalanceDomain", of: "Balance", "Domain", domain + ["AccountDomain"]),
        part("CreditLimitDomain", of: "CreditLimit", "Domain", domain),
        part("WithdrawDomain", of: "Withdraw", "Domain", domain),
        part("CreditDomain", of: "Credit", "Domain", domain),
        part("AuditDomain", of: "Audit", "Domain", domain),

        main("Orders", process + ["OrdersDomain"]),
        main("Route", process + ["RouteDomain"]),
        main("Balance", process + ["BalanceDomain", "AccountDomain"]),
        main("CreditLimit", process + ["CreditLimitDomain"]),
        main("Withdraw", process + ["WithdrawDomain", "AccountDomain"]),
        main("Credit", process + ["CreditDomain", "AccountDomain"]),
        main("Audit", process + ["AuditDomain"]),
    ],
    swiftLanguageModes: [.v6]
)
