import CallServer
public import EventSourcing
public import EventStoreClient
import Foundation
import JSON
import Keys
import Logging
import Observability
public import WireProtocol
import ZeroMQ

/// One process of the suite: what it is made of is said on this, then it runs.
///
/// Everything of the process but its databases' own work is on one thread, so that nothing waits
/// for a change of threads.
public struct ServiceHost {
    public let name: String
    public let client: EventStoreClient

    let folder: String
    private let lock: FolderLock
    private let log: EventID
    /// Where the log ended when the process began.
    private let head: UInt64
    private let loop: SocketLoop
    private let server: CallServer
    private let snapshots: SnapshotStore
    private let logger: Logger
    private let metricsAddress: StreamAddress?
    /// What the service's participant would append if some events happened.
    private(set) var rehearse: (@Sendable ([RehearsedEvent]) async throws -> [RehearsedEvent])?
    private var runners: [@Sendable () async throws -> Void] = []
    private var closers: [@Sendable () async throws -> Void] = []
    private var projection: (@Sendable () async -> ProjectionStatus)?
    private var participant: (@Sendable () async -> ParticipantStatus)?

    /// Connects to the event store, waiting for it if need be, and binds the service's endpoint.
    public init(_ name: String, _ configuration: ServiceConfiguration) async throws {
        endOnSignalWhileStarting()
        self.name = name
        logger = configuration.logger(name)
        metricsAddress = configuration.metricsAddress
        folder = "\(configuration.home)/\(name)"
        lock = try FolderLock(folder)
        loop = SocketLoop(name: name)
        let credentials = try Credentials.ofProcess(logger: configuration.logger("keys"))
        client = try await EventStoreClient(
            endpoint: configuration.eventStoreEndpoint, on: loop, in: credentials.context)
        let welcome = try await client.welcome(timeout: .seconds(60))
        (log, head) = (welcome.log, welcome.head)
        snapshots = try SnapshotStore(
            path: "\(folder)/snapshots.sqlite", log: log, logger: logger)
        server = try await CallServer(
            service: name, log: log, endpoint: configuration.endpoint, on: loop,
            in: credentials.context, access: credentials.access, logger: logger)
    }

    /// A repository of the aggregate, through which commands are carried out.
    public func repository<Subject: Aggregate>(_ subject: Subject.Type) -> Repository<Subject> {
        Repository(subject, client: client, snapshots: snapshots, on: loop)
    }

    /// Keeps the projection's model up to date while the process runs, and answers `rebuild`.
    public mutating func project<P: Projection>(
        _ projection: P.Type
    ) async throws -> ReadSide<P> where P.Model: StoredModel {
        let side = try await ReadSide(
            projection, at: "\(folder)/projection.sqlite", log: log, client: client, on: loop,
            logger: logger)
        // What is appended from now on would be taken for known.
        if let ahead = await side.status().lead(over: head) {
            throw DaybookError(
                .damaged, "\(folder)/projection.sqlite: \(ahead); remove what is in \(folder), "
                    + "as docs/operations.md says of a log that was put back")
        }
        runners.append { try await side.run() }
        closers.append { try await side.close() }
        self.projection = { await side.status() }
        await handle("rebuild") { data, caller in
            try caller.checkAdministers()
            let request = try JSON.argument(QueryRequest<EventID>.self, data)
            return try JSON.data(await side.rebuild(request.query))
        }
        return side
    }

    /// Has the service take part in sagas while the process runs, with the events of the queue that
    /// is named as the participant is.
    public mutating func participate<P: Participant, Subject: Aggregate>(
        _ participant: P, through repository: Repository<Subject>
    ) async throws where P.Command == Subject.Command {
        let runner = ParticipantRunner(
            participant, through: repository,
            store: try SagaStore(path: "\(folder)/participant.sqlite", log: log), client: client,
            service: name, on: loop, logger: logger)
        runners.append { try await runner.run() }
        closers.append { try await runner.close() }
        self.participant = { await runner.status() }
        rehearse = { try await runner.rehearse($0) }
    }

    /// Answers the call `name` by carrying a command out.
    public func command<Command: Codable & Sendable>(
        _ name: String,
        _ handler: @escaping @Sendable (Command, Cause) async throws -> Outcome
    ) async {
        await server.command(name, handler)
    }

    /// Answers the query: with the live state, or with a past or hypothetical one, from the log.
    public func answer<Service, Argument, Answer>(
        _ query: ServiceQuery<Service, Argument, Answer>, from side: ReadSide<Service.Shown>
    ) async {
        let past = PastReading<Service>(client: client, folder: folder)
        let shown = Service.Shown.query
        await server.handle(query.name) { data, caller in
            try caller.checkRead(shown)
            let request = try JSON.argument(QueryRequest<Argument>.self, data)
            let answer: any Encodable =
                if let event = request.without {
                    try await past.hypothetical(
                        query, request.query, without: .id(event), asOf: request.asOf)
                } else if let moment = request.asOf {
                    try await past.answer(query, request.query, asOf: moment)
                } else {
                    try await side.answer(query, request.query, atLeast: try request.position())
                }
            return try JSON.data(answer)
        }
    }

    /// Answers the call `name`.
    func handle(_ name: String, _ handler: @escaping CallServer.Handler) async {
        await server.handle(name, handler)
    }

    /// Answers the call `name` with what the query asks.
    public func query<Query: Codable & Sendable, Answer: Codable & Sendable>(
        _ name: String,
        _ handler: @escaping @Sendable (Query, _ atLeast: UInt64) async throws -> Answer
    ) async {
        await server.query(name, handler)
    }

    /// Runs until SIGTERM or SIGINT; then what is under way ends and the databases are closed.
    public func run() async throws {
        let (server, loop, closers) = (server, loop, closers)
        let report = await report()
        let metrics = try await MetricsServer(
            at: metricsAddress,
            Observation(of: loop, metrics: report.metrics, fault: report.fault), logger: logger)
        let runners = runners + [{ try await server.run() }, { try await metrics?.run() }]
        logger.notice("ready", metadata: ["log": "\(log)"])
        try await untilSignalled {
            try await withTaskExecutorPreference(loop) {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for runner in runners { group.addTask { try await runner() } }
                    // The first that fails ends the others, for which waitForAll would wait.
                    for try await _ in group {}
                }
            }
        }
        for close in closers { try await close() }
        try snapshots.close()
        await client.close()
        lock.release()
        logger.notice("stopped")
    }

    /// How the process is doing, for its own callers and for who watches over it.
    private func report() async -> ServiceReport {
        let report = ServiceReport(
            service: name, log: log, client: client, snapshots: snapshots,
            projection: projection, participant: participant)
        await server.handle("status") { _, _ in
            try JSON.data(try await report.status())
        }
        return report
    }
}
