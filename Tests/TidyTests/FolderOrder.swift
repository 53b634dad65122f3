/// The folders of a module, from the bottom up. A folder uses only types of itself and of the
/// folders before it.
struct FolderOrder {
    /// The path of the module.
    let module: String
    /// The names of the folders. `.` stands for the files beside them.
    let folders: [String]

    static let all = [
        FolderOrder(
            "Services/EventStore/Bus",
            "Time", "Events", "Waiting", "Queues", "Definitions", "Changes", "Journal", "Store",
            "Routing", "Delivering", "DeadLettering", "Replaying", "Archiving", "Committing",
            "Wiring", "."),
        FolderOrder("Services/EventStore/CommandLine", "Events", "Bus", "."),
        FolderOrder("Services/EventStore/Log", "Segments", "Chain", "."),
        FolderOrder("Services/Orders/Main", "Import", "."),
        FolderOrder("Services/Route/Domain", ".", "Network"),
        FolderOrder("Shared/CommandLine", ".", "Services"),
        FolderOrder("Shared/Contracts", "Values", "Events", "Commands", "Evolution", "Views"),
        FolderOrder("Shared/EventPattern", "Conditions", "Event", "Matching", "Pattern"),
        FolderOrder(
            "Shared/EventSourcing",
            "Errors", "Names", "Record", "Causation", "Evolution", "Query", ".", "Reversal"),
        FolderOrder("Shared/EventStoreClient", ".", "Queues", "Watching"),
        FolderOrder("Shared/ObjectStorage", ".", "S3", "Places"),
        FolderOrder("Shared/Observability", ".", "Metrics", "Logs", "Server"),
        FolderOrder(
            "Shared/ServiceRuntime",
            "Store", "Waiting", "Amendments", "Projections", "Reversal", "Aggregates",
            "Participants", "Host"),
        FolderOrder("Shared/WireProtocol", ".", "Bus", "Services"),
        FolderOrder("Shared/ZeroMQ", ".", "Streams"),
    ]

    init(_ module: String, _ folders: String...) {
        self.module = module
        self.folders = folders
    }

    /// Returns the folder of a file, or nil if the file is not in the module.
    func folder(of path: String) -> String? {
        Self.folder(of: path, in: module)
    }

    static func folder(of path: String, in module: String) -> String? {
        guard path.hasPrefix(module + "/") else { return nil }
        let parts = path.dropFirst(module.count + 1).split(separator: "/")
        return parts.count == 1 ? "." : String(parts[0])
    }
}
