public import ArgumentParser
import CommandLine
import EventBus
public import EventLog
import EventSourcing
import EventStoreClient
import EventStoreServer
import Foundation
import Keys
import Logging
import Observability
import ServiceRuntime
import WireProtocol
import ZeroMQ

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve the log until SIGTERM or SIGINT.")

    @OptionGroup var store: StoreOptions
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
        guard segmentSize.map(Self.segmentSizes.contains) ?? true else {
            throw ValidationError("--segment-size must be 16 to 1024 MiB")
        }
    }

    func run() async throws {
        endOnSignalWhileStarting()
        let (home, logger) = (store.home, try process.loggers()("event-store"))
        let feed = endpoint(feed, "DAYBOOK_FEED_ENDPOINT", "feed")
        let bus = endpoint(bus, "DAYBOOK_BUS_ENDPOINT", "bus")
        let wiring = try (rules ?? Endpoints.environment("DAYBOOK_RULES")).map(Wiring.init(file:))
        do {
            try FileManager.default.createDirectory(
                atPath: home, withIntermediateDirectories: true)
            let server = try await makeServer(feed: feed, bus: bus)
            try await untilSignalled {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await server.run() }
                    group.addTask { try await serveBus(at: bus, wiring, with: server, logger) }
                    try await group.next()
                    group.cancelAll()
                }
            }
        } catch let error as LogError {
            throw DaybookError(.storage, error.description)
        }
        logger.notice("stopped")
    }

    private var listening: String {
        store.endpoint ?? Endpoints.listening(of: "event-store", home: store.home)
    }

    private func endpoint(_ given: String?, _ variable: String, _ name: String) -> String {
        given ?? Endpoints.environment(variable) ?? "ipc://\(store.home)/\(name).sock"
    }

    private func segmentBytes() throws -> Int {
        if let segmentSize { return segmentSize << 20 }
        guard let text = Endpoints.environment("DAYBOOK_SEGMENT_SIZE") else {
            return EventLog.defaultSegmentBytes
        }
        guard let size = Int(text), Self.segmentSizes.contains(size) else {
            throw DaybookError(.usage, "DAYBOOK_SEGMENT_SIZE must be 16 to 1024, not '\(text)'")
        }
        return size << 20
    }

    private func makeServer(feed: String, bus: String) async throws -> EventStoreServer {
        let (home, durability, segmentBytes) = (store.home, durability, try segmentBytes())
        let credentials = try Credentials.ofProcess(logger: process.loggers()("keys"))
        return try await EventStoreServer(
            endpoint: listening, feed: feed, bus: bus, durability: durability,
            on: SocketLoop(name: "event-store"), in: credentials.context,
            access: credentials.access
        ) {
            let background = DispatchQueue(label: "log", qos: .utility)
            return try EventLog(
                in: FileStorage(folder: home + "/log"), segmentBytes: segmentBytes,
                durability: durability,
                background: { background.async(execute: $0) }, now: { Timestamp.now() })
        }
    }

    /// Runs the bus and the metrics server, and creates the new queues and rules of `wiring`.
    ///
    /// The bus is an ordinary client of the store, on its own thread.
    private func serveBus(
        at endpoint: String, _ wiring: Wiring?, with server: EventStoreServer, _ logger: Logger
    ) async throws {
        let loop = SocketLoop(name: "bus")
        let credentials = try Credentials.ofProcess(logger: process.loggers()("keys"))
        let client = try await EventStoreClient(
            endpoint: listening, on: loop, in: credentials.context)
        let bus = try await Bus(
            endpoint: endpoint, folder: store.home + "/bus",
            journal: store.home + "/journal", client: client, on: loop,
            in: credentials.context, access: credentials.access, logger: process.loggers()("bus"))
        let metrics = try await MetricsServer(
            at: process.metricsAddress(of: "event-store", home: store.home),
            Observation(
                of: loop, metrics: { await server.metrics() + bus.metrics() },
                fault: { await bus.fault() }),
            logger: logger)
        logger.notice("ready", metadata: ["endpoint": "\(listening)", "bus": "\(endpoint)"])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await bus.run() }
            group.addTask { try await metrics?.run() }
            group.addTask {
                try await wiring?.defineNew(in: client, actor: "event-store") {
                    logger.notice("\($0)")
                }
            }
            // The first failure cancels the others. waitForAll would wait for them to end.
            for try await _ in group {}
        }
    }
}

extension Durability: ExpressibleByArgument {}
