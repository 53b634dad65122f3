import EventSourcing
import EventStoreClient
import HeapModule
import Logging
import WireProtocol
import ZeroMQ

/// A saga participant at work: takes events in log order, remembers, and has its commands carried
/// out with exactly-once effect: the ids of the events that a reaction appends derive from the id
/// of the event it reacts to, so a reaction that is made again after a crash changes nothing.
///
/// Commands for one aggregate are carried out in log order; those for different ones side by side,
/// so that the store can write them with one sync.
actor ParticipantRunner<P: Participant, Subject: Aggregate>
where P.Command == Subject.Command {
    private typealias Owed = (command: P.Command, cause: Cause)

    private let participant: P
    private let repository: Repository<Subject>
    private let client: EventStoreClient
    private let store: SagaStore<P.State>
    private let logger: Logger
    private let loop: SocketLoop

    private var cache = GenerationalCache<String, Saga<P.State>>(generationSize: 50_000)
    private var deadlines = Heap<Deadline>()
    private var checkpoint: UInt64
    private var isCaughtUp = false
    private var halted: String?

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe loop.asUnownedSerialExecutor()
    }

    init(
        _ participant: P, through repository: Repository<Subject>, store: SagaStore<P.State>,
        client: EventStoreClient, on loop: SocketLoop, logger: Logger
    ) {
        self.participant = participant
        self.repository = repository
        self.store = store
        self.client = client
        self.loop = loop
        self.logger = logger
        checkpoint = store.checkpoint
    }

    /// Takes part until cancelled. An event that can't be handled halts the participant where it
    /// is, as its status says; what comes behind waits rather than overtake it.
    func run() async throws {
        for (id, deadline) in try await store.deadlines() {
            deadlines.insert(Deadline(time: deadline, saga: id))
        }
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await self.expireSagas() }
                group.addTask { try await self.followFeed() }
                try await group.next()
                group.cancelAll()
            }
        } catch let error as CancellationError {
            throw error
        } catch {
            halted = "\(error)"
            logger.critical(
                "the participant has halted",
                metadata: ["participant": "\(P.name)", "reason": "\(error)"])
            // The rest of the service goes on: what it knows can be asked, and its status says why.
            while true { try await Task.sleep(for: .seconds(3600)) }
        }
    }

    func status() -> ParticipantStatus {
        ParticipantStatus(
            name: P.name, checkpoint: checkpoint, store: store.path, halted: halted)
    }

    func close() throws { try store.close() }

    private func followFeed() async throws {
        for try await batch in try await client.subscribe(P.Event.query, after: checkpoint) {
            if !batch.events.isEmpty { try await handle(batch) }
            checkpoint = batch.through
            isCaughtUp = batch.isCaughtUp
        }
    }

    /// Reacts to all of the batch, then remembers that it has.
    private func handle(_ batch: EventBatch) async throws {
        let events = try batch.events.compactMap { try Recorded<P.Event>($0) }
        var sagas = try await remembered(Set(events.map { P.saga(of: $0.event) }))
        var owed: [String: [Owed]] = [:]
        for event in events {
            let id = P.saga(of: event.event)
            var saga =
                sagas[id]
                ?? Saga(
                    state: P.initial, correlationID: event.correlationID, lastEventID: event.id)
            P.evolve(&saga.state, with: event.event)
            saga.lastEventID = event.id
            sagas[id] = saga
            let commands = participant.react(to: event.event, given: saga.state)
            for (index, command) in commands.enumerated() {
                let cause = Cause(
                    correlationID: event.correlationID, causationID: event.id,
                    key: event.id.derived("\(P.name)/\(index)"), actor: P.name)
                owed[Subject.id(of: command), default: []].append((command, cause))
            }
        }
        try await settle(owed)
        try await remember(sagas, checkpoint: batch.through)
    }

    /// Carries out what is owed, each aggregate's commands in their order.
    private func settle(_ owed: [String: [Owed]]) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for commands in owed.values {
                group.addTask {
                    for (command, cause) in commands { try await self.execute(command, cause) }
                }
            }
            try await group.waitForAll()
        }
    }

    /// Carries `command` out, however long the store is away.
    private func execute(_ command: P.Command, _ cause: Cause) async throws {
        while true {
            do {
                _ = try await repository.execute(command, cause)
                return
            } catch let error as Unavailable {
                try Task.checkCancellation()
                logger.warning("waiting for the event store", metadata: ["reason": "\(error)"])
            }
        }
    }

    private func remembered(_ ids: Set<String>) async throws -> [String: Saga<P.State>] {
        var sagas: [String: Saga<P.State>] = [:]
        var missing: Set<String> = []
        for id in ids {
            if let saga = cache[id] { sagas[id] = saga } else { missing.insert(id) }
        }
        return sagas.merging(try await store.sagas(missing)) { cached, _ in cached }
    }

    private func remember(_ sagas: [String: Saga<P.State>], checkpoint: UInt64) async throws {
        var rows: [(id: String, saga: Saga<P.State>, deadline: Timestamp?)] = []
        for (id, saga) in sagas {
            let deadline = P.deadline(of: saga.state)
            rows.append((id, saga, deadline))
            cache[id] = saga
            if let deadline { deadlines.insert(Deadline(time: deadline, saga: id)) }
        }
        try await store.commit(rows, checkpoint: checkpoint)
    }

    // MARK: Deadlines

    /// Gives the commands of sagas whose deadline has passed; not before the participant has caught
    /// up, for what would meet the deadline may already be in the log.
    private func expireSagas() async throws {
        while true {
            let now = Timestamp.now()
            while isCaughtUp, let next = deadlines.min, next.time <= now {
                deadlines.removeMin()
                try await expire(next.saga, at: next.time)
            }
            // A deadline that arrives meanwhile may be earlier than the earliest known now.
            let pause = deadlines.min.map { min($0.time - now, .milliseconds(200)) }
            try await Task.sleep(for: max(pause ?? .milliseconds(200), .milliseconds(1)))
        }
    }

    private func expire(_ id: String, at time: Timestamp) async throws {
        guard let saga = try await remembered([id])[id], P.deadline(of: saga.state) == time else {
            return
        }
        for (index, command) in participant.expire(saga.state).enumerated() {
            let cause = Cause(
                correlationID: saga.correlationID, causationID: saga.lastEventID,
                key: saga.correlationID.derived("\(P.name)/\(id)/deadline/\(index)"),
                actor: P.name)
            try await execute(command, cause)
        }
    }
}

/// When a saga must have gone on.
private struct Deadline: Comparable, Sendable {
    let time: Timestamp
    let saga: String

    static func < (a: Deadline, b: Deadline) -> Bool { (a.time, a.saga) < (b.time, b.saga) }
}

/// How far a participant has come.
public struct ParticipantStatus: Codable, Hashable, Sendable {
    public var name: String
    public var checkpoint: UInt64
    public var store: String
    /// Why it goes no further, if it does not.
    public var halted: String?
}
