import Dispatch
import EventBus
import EventLog
import EventSourcing
import EventStoreClient
import EventStoreServer
import Foundation
import Keys
import Logging
import Observability
import ZeroMQ

/// The process of the event store: the log's server, and the bus, on a thread of its own.
///
/// The bus is a client of the server like any other, except that it gets committed events and
/// appends its own by calls within the process.
public struct EventStoreProcess: Sendable {
    private let configuration: EventStoreConfiguration
    private let server: EventStoreServer
    private let groups = CommittedGroups()
    private let keyFault: @Sendable () -> String?

    /// Opens the log, or creates it, and binds the endpoints of requests and of the feed.
    ///
    /// - Throws: `LogError` if the log can't be opened, `ZeroMQError` if an endpoint can't be
    ///   bound, `invalid` if the process's keys can't be used.
    public init(_ configuration: EventStoreConfiguration) async throws {
        self.configuration = configuration
        let credentials = try Credentials.ofProcess(
            logger: configuration.logger("keys"), isReporting: true)
        keyFault = credentials.fault
        let logger = configuration.logger("event-store")
        server = try await EventStoreServer(
            endpoint: configuration.endpoint, feed: configuration.feed, bus: configuration.bus,
            durability: configuration.durability, on: SocketLoop(name: "event-store"),
            in: credentials.context, access: credentials.access,
            report: { logger.error("\($0)") }, onCommit: { [groups] in groups.add($0) },
            openLog: {
                let background = DispatchQueue(label: "log", qos: .utility)
                return try EventLog(
                    in: FileStorage(folder: configuration.home + "/log"),
                    segmentBytes: configuration.segmentBytes, durability: configuration.durability,
                    background: { background.async(execute: $0) }, now: { Timestamp.now() })
            })
    }

    /// Serves until the task is cancelled, and then closes the log.
    ///
    /// - Throws: `CancellationError`, or the first failure of a part, which stops the others.
    public func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            group.addTask { try await serveBus() }
            try await group.next()
            group.cancelAll()
        }
    }

    /// Runs the bus and the metrics server, and creates the new queues and rules.
    private func serveBus() async throws {
        let logger = configuration.logger("event-store")
        let loop = SocketLoop(name: "bus")
        let credentials = try Credentials.ofProcess(logger: configuration.logger("keys"))
        let client = try await EventStoreClient(
            endpoint: configuration.endpoint, on: loop, in: credentials.context)
        let bus = try await Bus(
            endpoint: configuration.bus, folder: configuration.home + "/bus",
            journal: configuration.home + "/journal", client: client,
            groups: groups, appendOwn: { [server] in try await server.append($0, $1) }, on: loop,
            in: credentials.context, access: credentials.access,
            archiveRoots: configuration.archiveRoots, logger: configuration.logger("bus"))
        let metrics = try await MetricsServer(
            at: configuration.metricsAddress, of: loop,
            metrics: { await server.metrics() + bus.metrics() },
            fault: { [keyFault] in if let fault = keyFault() { fault } else { await bus.fault() } },
            logger: logger)
        logger.notice(
            "ready",
            metadata: [
                "endpoint": "\(configuration.endpoint)", "bus": "\(configuration.bus)",
            ])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await bus.run() }
            group.addTask { try await metrics?.run() }
            group.addTask {
                try await configuration.wiring?.defineNew(in: client, actor: "event-store") {
                    logger.notice("\($0)")
                }
            }
            // The first failure cancels the others. waitForAll would wait for them to end.
            for try await _ in group {}
        }
    }
}
