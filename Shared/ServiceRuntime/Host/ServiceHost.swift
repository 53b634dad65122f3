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

/// The process of a service: first add its projection, participant and calls, then run it.
///
/// All work of the process is on one thread, except that of its databases, so that no call waits
/// for a change of threads.
public struct ServiceHost {
    /// The name of the service.
    public let name: String
    /// The connection to the event store.
    public let client: EventStoreClient

    /// The service's own folder.
    let folder: String
    private let lock: FolderLock
    private let log: EventID
    /// The last position of the log when the process started.
    private let head: UInt64
    private let loop: SocketLoop
    private let server: CallServer
    private let snapshots: SnapshotStore
    private let logger: Logger
    private let metricsAddress: StreamAddress?
    /// Returns the events that the service's participant would append if the given ones happened.
    private(set) var rehearse: (@Sendable ([RehearsedEvent]) async throws -> [RehearsedEvent])?
    private var runners: [@Sendable () async throws -> Void] = []
    private var closers: [@Sendable () async throws -> Void] = []
    private var projection: (@Sendable () async -> ProjectionStatus)?
    private var participant: (@Sendable () async -> ParticipantStatus)?

    /// Locks the service's folder, connects to the event store, and binds the service's endpoint.
    ///
    /// Waits up to 60 seconds for the event store.
    ///
    /// - Throws: `unavailable` if another process has locked the folder or the event store does not
    ///   answer, `storage` if the folder can't be used.
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

    /// Returns a new repository that executes commands on the aggregate.
    public func repository<Subject: Aggregate>(_ subject: Subject.Type) -> Repository<Subject> {
        Repository(subject, client: client, snapshots: snapshots, on: loop)
    }

    /// Keeps the projection's read model current while the process runs, and answers `rebuild`.
    ///
    /// - Throws: `damaged` if the projection's store is damaged, follows another log, or is ahead
    ///   of the log.
    public mutating func project<P: Projection>(
        _ projection: P.Type
    ) async throws -> LiveReadModel<P> where P.Model: StoredModel {
        let side = try await LiveReadModel(
            projection, at: "\(folder)/projection.sqlite", log: log, client: client, on: loop,
            logger: logger)
        // A restored log may have lost its end. The projection would then skip the new events at
        // positions that it has already passed.
        if let ahead = await side.status().lead(over: head) {
            throw DaybookError(
                .damaged,
                "\(folder)/projection.sqlite: \(ahead); remove what is in \(folder), "
                    + "as docs/operations.md describes for a restored log")
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

    /// Runs the saga participant while the process runs.
    ///
    /// The participant takes its events from the queue of the same name.
    ///
    /// - Throws: `damaged` if the participant's memory is damaged, follows another log, or was
    ///   written by a later version.
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

    /// Answers the call `name` by executing a command.
    public func command<Command: Codable & Sendable>(
        _ name: String,
        _ handler: @escaping @Sendable (Command, Cause) async throws -> Outcome
    ) async {
        await server.command(name, handler)
    }

    /// Answers the query from the live read model, or from the log for past and hypothetical
    /// states.
    public func answer<Service, Argument, Answer>(
        _ query: ServiceQuery<Service, Argument, Answer>, from side: LiveReadModel<Service.Shown>
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

    /// Answers the call `name` with the result of `handler`.
    func handle(_ name: String, _ handler: @escaping CallServer.Handler) async {
        await server.handle(name, handler)
    }

    /// Answers the call `name` as a query.
    ///
    /// - Parameter handler: returns the answer once its read model contains every event up to
    ///   `atLeast`.
    public func query<Query: Codable & Sendable, Answer: Codable & Sendable>(
        _ name: String,
        _ handler: @escaping @Sendable (Query, _ atLeast: UInt64) async throws -> Answer
    ) async {
        await server.query(name, handler)
    }

    /// Runs until SIGTERM or SIGINT. Then finishes running work and closes the databases.
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
                    // The first failure must cancel the others. waitForAll would wait for them.
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

    /// Answers the call `status`, and returns the report for the metrics server.
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
