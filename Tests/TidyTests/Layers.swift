/// What the targets of a folder may depend on.
///
/// Package.swift says which module imports which, and the package tool allows no circle. These
/// rules say which way the imports point: Shared does not import any service, a domain imports
/// only the contracts, and services share nothing but them. Balance, withdraw and credit also
/// share one aggregate and what is written around it, in Account.
struct Layer {
    /// A folder, in which `*` stands for any service.
    let folder: String
    /// Folders of this package whose modules may be imported. `*` stands for the same service.
    let ours: [String]
    /// Modules of other packages and of the toolchain.
    let others: Set<String>

    /// The first row that fits a target counts.
    static let all: [Layer] = [
        Layer("Shared/Bytes", ["Shared/CCRC32C"], []),
        Layer("Shared/EventSourcing", ["Shared"], ["Crypto", "Synchronization"]),
        Layer("Shared/EventSourcingTesting", ["Shared"], []),
        Layer("Shared/HistoryChecker", ["Shared"], []),
        Layer("Shared/WireProtocol", ["Shared"], ["Foundation"]),
        // In Shared, only CommandLine parses arguments and only ServiceRuntime uses SQLite.
        Layer("Shared/CommandLine", ["Shared"], runtime.union(["ArgumentParser"])),
        Layer("Shared/ServiceRuntime", ["Shared"], runtime.union(["GRDB"])),
        Layer("Shared/*", ["Shared"], runtime),

        // Domains are pure. Collections are values, and the route network needs the sine.
        Layer("Services/Account/Domain", domain, []),
        Layer("Services/Balance/Domain", domain + ["Services/Account/Domain"], []),
        Layer("Services/Route/Domain", domain, ["Foundation", "HeapModule"]),
        Layer("Services/*/Domain", domain, []),

        Layer(
            "Services/EventStore/CommandLine", ["Shared", "Services/EventStore"],
            ["ArgumentParser", "Foundation", "Logging"]),
        Layer(
            "Services/EventStore/Executable",
            ["Services/EventStore/CommandLine", "Shared/CommandLine"], []),
        Layer(
            "Services/EventStore/Bus", ["Shared", "Services/EventStore"], runtime.union(["GRDB"])),
        Layer("Services/EventStore/*", ["Shared", "Services/EventStore"], runtime),

        Layer("Services/Balance/Main", main + ["Services/Account"], mainOthers),
        Layer("Services/Withdraw/Main", main + ["Services/Account"], mainOthers),
        Layer("Services/Credit/Main", main + ["Services/Account"], mainOthers),
        Layer("Services/*/Main", main, mainOthers),
        // One executable that is any of the services.
        Layer("Services/Daybook/Executable", ["Services", "Shared/CommandLine"], []),
        Layer("Services/*/Executable", executable, []),

        Layer(
            "Benchmarks", ["Shared", "Services/EventStore/Log"], runtime.union(["ArgumentParser"])),

        Layer("examples/new-service/Domain", domain, []),
        Layer(
            "examples/new-service/Main", ["Shared", "examples/new-service/Domain"], mainOthers),
        Layer(
            "examples/new-service/Executable",
            ["Shared/CommandLine", "examples/new-service/Main"], []),
    ]

    private static let domain = ["Shared/Contracts", "Shared/EventSourcing"]
    private static let main = ["Shared", "Services/*/Domain"]
    private static let executable = ["Services/*/Main", "Shared/CommandLine"]
    private static let mainOthers: Set = [
        "ArgumentParser", "Foundation", "GRDB", "Synchronization",
    ]
    /// What only a runtime needs: clocks, files, sockets, threads, logs and metrics.
    private static let runtime: Set = [
        "Crypto", "DequeModule", "Dispatch", "Foundation", "FoundationEssentials",
        "FoundationNetworking", "Glibc", "HeapModule", "Logging", "Synchronization",
    ]

    init(_ folder: String, _ ours: [String], _ others: Set<String>) {
        self.folder = folder
        self.ours = ours
        self.others = others
    }

    /// Returns the layer of the target with this path.
    static func of(_ path: String) -> Layer? {
        let parts = path.split(separator: "/")
        return all.first { layer in
            let pattern = layer.folder.split(separator: "/")
            return pattern.count == parts.count
                && zip(pattern, parts).allSatisfy { $0 == "*" || $0 == $1 }
        }
    }

    /// Whether a target at `path` may depend on the target at `other`.
    func allows(_ other: String, from path: String) -> Bool {
        let service = path.split(separator: "/").dropFirst().first ?? ""
        return ours.contains { folder in
            let folder = folder.replacing("*", with: service)
            return other == folder || other.hasPrefix(folder + "/")
        }
    }
}

/// A module of another package that only some files may import.
struct Restriction {
    let module: String
    /// The folders whose files may import the module.
    let folders: [String]
    /// The names of the files that may import it in the Main of a service.
    let files: Set<String>

    static let all = [
        Restriction(
            module: "GRDB", folders: ["Shared/ServiceRuntime/", "Services/EventStore/Bus/Store/"],
            files: ["Tables.swift"]),
        Restriction(
            module: "ArgumentParser",
            folders: ["Shared/CommandLine/", "Services/EventStore/CommandLine/", "Benchmarks/"],
            files: ["Commands.swift"]),
    ]

    func allows(_ path: String) -> Bool {
        folders.contains(where: path.hasPrefix)
            || path.contains("/Main/") && files.contains { path.hasSuffix("/" + $0) }
    }
}
