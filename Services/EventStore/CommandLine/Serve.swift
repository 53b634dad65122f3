public import ArgumentParser
import CommandLine
import EventBus
public import EventLog
import EventSourcing
import EventStoreMain
import Foundation
import Logging
import ObjectStorage
import ServiceRuntime
import WireProtocol
import ZeroMQ

struct Serve: ProgramCommand {
    static let abstract = "Serve the log until SIGTERM or SIGINT."

    @Option(help: StoreOptions.homeHelp) var home = Endpoints.home
    @Option(help: StoreOptions.endpointHelp) var endpoint: String?
    @OptionGroup var process: ProcessOptions

    @Option(
        help: "The endpoint of the feed (DAYBOOK_FEED_ENDPOINT, default: ipc://<home>/feed.sock).")
    var feed: String?

    @Option(
        help: "The endpoint of the bus (DAYBOOK_BUS_ENDPOINT, default: ipc://<home>/bus.sock).")
    var bus: String?

    @Option(
        help: """
            A file of queues and rules (DAYBOOK_RULES). Those that the log has never had are \
            created.
            """,
        completion: .file())
    var rules: String?

    @Option(
        help: """
            A folder or s3://bucket/prefix below which archives may be, or an endpoint, http:// \
            or https://, that they may name with --s3-endpoint; may be repeated \
            (DAYBOOK_ARCHIVE_ROOTS, separated by commas; default: <home>/archives).
            """,
        completion: .directory)
    var archiveRoot: [String] = []

    @Option(
        help: """
            When an append is synced to disk: sync (before it is acknowledged), interval (soon \
            after) or none (when the operating system writes it).
            """)
    var durability = Durability.sync

    @Option(
        help: """
            The size of a new log's segments in MiB, 16 to 1024 (DAYBOOK_SEGMENT_SIZE, default: \
            64). A log keeps the size that it was created with.
            """)
    var segmentSize: Int?

    /// The valid segment sizes, in MiB. The longest append fits into the smallest.
    private static let segmentSizes = 16...1024

    func validate() throws {
        try require(
            segmentSize.map(Self.segmentSizes.contains) ?? true,
            "--segment-size must be 16 to 1024 MiB")
    }

    func run() async throws {
        makeNewFilesPrivate()
        Descriptors.raiseLimit()
        let configuration = try configuration()
        if let warning = accessWarning(for: configuration.home) {
            configuration.logger("event-store").warning("\(warning)")
        }
        do {
            let store = try await EventStoreProcess(configuration)
            try await untilSignalled { try await store.run() }
        } catch let error as LogError where error.kind != .unavailable {
            throw DaybookError(.storage, error.description)
        }
        configuration.logger("event-store").notice("stopped")
    }

    private func configuration() throws -> EventStoreConfiguration {
        var configuration = EventStoreConfiguration(home: home, logger: try process.loggers())
        configuration.endpoint = try Endpoints.reachable(
            endpoint ?? Endpoints.listening(of: "event-store", home: home))
        configuration.feed = try Endpoints.reachable(
            feed ?? Endpoints.endpoint(of: "feed", home: home))
        configuration.bus = try Endpoints.reachable(
            bus ?? Endpoints.endpoint(of: "bus", home: home))
        configuration.wiring =
            try (rules ?? Endpoints.environment("DAYBOOK_RULES")).map(Wiring.init(file:))
        configuration.archiveRoots = try archiveRoots()
        configuration.durability = durability
        configuration.segmentBytes = try segmentSize.map { $0 << 20 } ?? Self.segmentBytes()
        configuration.metricsAddress = try process.metricsAddress(of: "event-store", home: home)
        return configuration
    }

    private func archiveRoots() throws -> StorageRoots {
        let listed = Endpoints.environment("DAYBOOK_ARCHIVE_ROOTS")?.split(separator: ",")
        var roots = archiveRoot.isEmpty ? listed?.map(String.init) ?? [] : archiveRoot
        if roots.isEmpty { roots = [home + "/archives"] }
        return try StorageRoots(
            roots.map { $0.contains("://") ? $0 : URL(filePath: $0).standardizedFileURL.path })
    }

    /// Returns the size of a log's segments, in bytes, from the environment or the default.
    static func segmentBytes() throws -> Int {
        guard let text = Endpoints.environment("DAYBOOK_SEGMENT_SIZE") else {
            return EventLog.defaultSegmentBytes
        }
        guard let size = Int(text), segmentSizes.contains(size) else {
            throw DaybookError(.usage, "DAYBOOK_SEGMENT_SIZE must be 16 to 1024, not '\(text)'")
        }
        return size << 20
    }
}

extension Durability: ExpressibleByArgument {}
