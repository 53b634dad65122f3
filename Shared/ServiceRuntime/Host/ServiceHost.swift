import CallServer
import EventSourcing
import EventStoreClient
import Foundation
import JSON
import Keys
import Logging
import Observability
import WireProtocol
import ZeroMQ

/// The process of a service.
///
/// Only databases, the metrics server and queries of past states work on other threads. All else
/// runs on one thread, so that no call waits for a change of threads.
public struct ServiceHost<S: Service> {
    let client: EventStoreClient
    let server: CallServer
    let repository: Repository<S.Subject>
    let readModel: LiveReadModel<S.ReadProjection>
    private(set) var participant: (any RunningParticipant)?
    /// Computes the answers to queries of past states, over a connection of its own, so that they
    /// keep no other read waiting.
    let past: PastReading<S>
    /// Runs the queries of past states.
    let pastQueries: PastQueries

    private let lock: FolderLock
    private let log: EventID
    private let loop: SocketLoop
    private let snapshots: SnapshotStore
    private let logger: Logger
    private let metricsAddress: StreamAddress?
    private let keyFault: @Sendable () -> String?

    /// Locks the service's folder, connects to the event store, opens the service's stores, and
    /// binds its endpoint.
    ///
    /// Waits up to 60 seconds for the event store.
    ///
    /// - Throws: `unavailable` if another process has locked the folder or the event store does not
    ///   answer, `storage` if the folder can't be used, `damaged` if a store of the service is
    ///   damaged, follows another log, or is ahead of the log.
    public init(
        _ service: S.Type, _ settings: S.Settings, _ configuration: ServiceConfiguration
    ) async throws {
        // Invalid settings fail before anything is waited for.
        let participant = try S.participant(settings)
        logger = configuration.logger(S.name)
        metricsAddress = configuration.metricsAddress
        let folder = "\(configuration.home)/\(S.name)"
        lock = try FolderLock(folder)
        loop = SocketLoop(name: S.name)
        let credentials = try Credentials.ofProcess(
            logger: configuration.logger("keys"), isReporting: true)
        keyFault = credentials.fault
        client = try await EventStoreClient(
            endpoint: configuration.eventStoreEndpoint, on: loop, in: credentials.context)
        let welcome = try await client.welcome(timeout: .seconds(60))
        log = welcome.log
        snapshots = try SnapshotStore(path: "\(folder)/snapshots.sqlite", log: log, logger: logger)
        server = try await CallServer(
            service: S.name, log: log, endpoint: configuration.endpoint, on: loop,
            in: credentials.context, access: credentials.access, logger: logger)
        repository = Repository(S.Subject.self, client: client, snapshots: snapshots, on: loop)
        let pastLoop = SocketLoop(name: "\(S.name)-past")
        pastQueries = PastQueries(on: pastLoop)
        past = PastReading(
            client: try await EventStoreClient(
                endpoint: configuration.eventStoreEndpoint, on: pastLoop, in: credentials.context),
            folder: folder)
        readModel = try await LiveReadModel(
            S.ReadProjection.self, at: "\(folder)/projection.sqlite", log: log, client: client,
            on: loop,
            logger: logger)
        // A restored log may have lost its end. The projection would then skip the new events at
        // positions that it has already passed.
        if let ahead = await readModel.status().lead(over: welcome.head) {
            throw DaybookError(
                .damaged,
                "\(folder)/projection.sqlite: \(ahead); remove what is in \(folder), "
                    + "as docs/operations.md describes for a restored log")
        }
        if let participant { self.participant = try runner(of: participant, in: folder) }
        try await applyAmendments()
        await answerCalls()
    }

    /// Makes the repository and the participant forget what amendments have changed: those since
    /// the service's last process, and those that the read model meets from now on.
    private func applyAmendments() async throws {
        let (repository, participant) = (repository, participant)
        let apply = { @Sendable (notice: AmendmentNotice) async in
            await repository.forget(notice)
            await participant?.note(notice)
        }
        let remembered = await participant?.amendmentCheckpoint
        let start = min(snapshots.checkpoint, remembered ?? .max)
        for notice in try await Amendments.notices(after: start, client) { await apply(notice) }
        await readModel.notifyOfAmendments(apply)
    }

    private func runner<P: Participant<S.Subject.Command>>(
        of participant: P, in folder: String
    ) throws -> any RunningParticipant {
        ParticipantRunner(
            participant, through: repository,
            store: try SagaStore(path: "\(folder)/participant.sqlite", log: log), client: client,
            service: S.name, on: loop, logger: logger)
    }

    private func answerCalls() async {
        for command in S.commands { await command.answer(server, repository) }
        for query in S.queries { await query.register(with: self) }
        if let service = S.self as? any EntityService.Type { await answerDifferences(of: service) }
        await answerReversals()
        let readModel = readModel
        await server.handle("rebuild") { data, caller in
            try caller.checkAdministers()
            let request = try JSON.argument(QueryRequest<EventID>.self, data)
            return try JSON.data(await readModel.rebuild(request.query))
        }
        let queries = pastQueries
        await server.handle(ComparisonRequest.name) { data, caller in
            try caller.checkRead(S.ReadProjection.query)
            let request = try JSON.argument(QueryRequest<ComparisonRequest>.self, data)
            return try await queries.answer(
                ComparisonRequest.name, data, id: request.id, of: caller, within: request.timeout
            ) {
                try JSON.data(await readModel.differences())
            }
        }
    }

    private func answerDifferences<Entities: EntityService>(of service: Entities.Type) async {
        let past = PastReading<Entities>(client: past.client, folder: past.folder)
        let queries = pastQueries
        await server.handle(DifferenceRequest.name) { data, caller in
            try caller.checkRead(Entities.ReadProjection.query)
            let request = try JSON.argument(QueryRequest<DifferenceRequest>.self, data)
            return try await queries.answer(
                DifferenceRequest.name, data, id: request.id, of: caller, within: request.timeout
            ) {
                try JSON.data(await past.difference(request.query))
            }
        }
    }

    /// Runs until SIGTERM or SIGINT. Then finishes running work and closes the databases.
    public func run() async throws {
        let (server, loop, readModel, participant) = (server, loop, readModel, participant)
        let report = ServiceReport(
            service: S.name, log: log, client: client, snapshots: snapshots,
            projection: { await readModel.status() }, participant: participant)
        await server.handle("status") { _, _ in try JSON.data(try await report.status()) }
        let metrics = try await MetricsServer(
            at: metricsAddress, of: loop, metrics: report.metrics,
            fault: { [keyFault] in if let fault = keyFault() { fault } else { await report.fault() }
            },
            degradation: report.degradation, logger: logger)
        logger.notice("ready", metadata: ["log": "\(log)"])
        try await untilSignalled {
            try await withTaskExecutorPreference(loop) {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await readModel.run() }
                    group.addTask { try await participant?.run() }
                    group.addTask { try await server.run() }
                    group.addTask { try await metrics?.run() }
                    // The first failure must cancel the others. waitForAll would wait for them.
                    for try await _ in group {}
                }
            }
        }
        try await readModel.close()
        try await participant?.close()
        try snapshots.close()
        await past.client.close()
        await client.close()
        lock.release()
        logger.notice("stopped")
    }
}
