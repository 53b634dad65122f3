import EventSourcing
import EventStoreClient
import HeapModule
import Logging
import WireProtocol
import ZeroMQ

/// A saga participant at work: takes events from its queue, remembers, and has its commands carried
/// out with exactly-once effect: the ids of the events that a reaction appends derive from the id
/// of the event it reacts to, so a reaction that is made again changes nothing.
///
/// Commands for one aggregate are carried out in the order of their events; those for different
/// ones side by side, so that the store can write them with one sync.
actor ParticipantRunner<P: Participant, Subject: Aggregate>
where P.Command == Subject.Command {
    /// A command that a saga has led to.
    struct Owed: Sendable {
        let command: P.Command
        let cause: Cause
        let saga: String
    }

    /// What a batch comes to.
    private struct Turn {
        let known: [String: Recollection]
        var changed: [String: Saga<P.State>] = [:]
        /// By aggregate.
        var owed: [String: [Owed]] = [:]
        /// By saga, why it can't go on.
        var failures: [String: String] = [:]
    }

    /// So many events are in hand at a time, half of them being handled.
    private static var concurrency: Int { 1000 }
    private static var drainTimeout: Duration { .seconds(5) }
    /// So often the queue is looked for before it is said that it is not there.
    private static var patience: Int { 6 }

    let participant: P
    let repository: Repository<Subject>
    let client: EventStoreClient
    let store: SagaStore<P.State>
    let service: String
    let logger: Logger
    private let loop: SocketLoop

    var cache = GenerationalCache<String, Saga<P.State>>(generationSize: 50_000)
    /// The position where the memory begins. It contains every handled event after this position,
    /// and may lack events up to it.
    var beginning: UInt64 = 0
    var deadlines = Heap<Deadline>()
    var failedDeadlines: [Deadline: FailedDeadline] = [:]
    /// Everything that happened before has been handled, but for what fails.
    var horizon = Timestamp(microseconds: 0)
    /// The latest commit time of a delivered event.
    var lastTime = Timestamp(microseconds: 0)
    var nextTrim = ContinuousClock.now
    private var state = ParticipantStatus.State.waiting
    private var handled = 0
    private var failed = 0
    private var lastFailure: String?

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe loop.asUnownedSerialExecutor()
    }

    /// - Parameter service: the one of this name is the queue's only consumer.
    init(
        _ participant: P, through repository: Repository<Subject>, store: SagaStore<P.State>,
        client: EventStoreClient, service: String, on loop: SocketLoop, logger: Logger
    ) {
        self.participant = participant
        self.repository = repository
        self.store = store
        self.client = client
        self.service = service
        self.loop = loop
        self.logger = logger
    }

    /// Takes part until cancelled; waits for its queue if that is not there.
    func run() async throws {
        /// How often in a row there was no queue.
        var misses = 0
        while true {
            do {
                try await takePart()
            } catch let error as ProtocolError where error.code == .notFound {
                misses = state == .running ? 1 : misses + 1
                // An event store that has just begun may be about to make it.
                if misses == Self.patience {
                    logger.warning(
                        """
                        queue '\(P.name)' is not there; start the event store with --rules \
                        Services/rules.json, or: event-store queues create \(P.name)
                        """, metadata: ["reason": "\(error)"])
                }
            } catch let error as ProtocolError where error.code == .unavailable {
                logger.warning("waiting for the event store", metadata: ["reason": "\(error)"])
            } catch let error as DaybookError where error.kind == .unavailable {
                logger.warning("waiting for the event store", metadata: ["reason": "\(error)"])
            }
            state = .waiting
            // Nobody tells when a queue is made.
            try await Task.sleep(for: .milliseconds(500))
        }
    }

    func status() -> ParticipantStatus {
        ParticipantStatus(
            queue: P.name, state: state, handled: handled, failed: failed,
            lastFailure: lastFailure, store: store.path)
    }

    func close() throws { try store.close() }

    private func takePart() async throws {
        let consumer = try await client.consumer(of: P.name, named: service)
        let result: Result<Void, any Error>
        do {
            // What was in flight to the process before this one need not be waited for.
            try await consumer.release()
            try await recollect()
            state = .running
            let worker = QueueWorker(
                consumer, concurrency: Self.concurrency, drainTimeout: Self.drainTimeout,
                onUnavailable: { [logger] error in
                    logger.warning("waiting for the event store", metadata: ["reason": "\(error)"])
                })
            try await worker.run(batches: { try await self.handle($0) })
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await consumer.close()
        try result.get()
    }

    // MARK: Events

    /// Reacts to all of the batch, remembers that it has, and says what has become of each
    /// delivery. One that can't be handled is delivered again later, and the others go on; what
    /// comes behind it in its group waits in the queue rather than overtake it.
    ///
    /// - Throws: `CancellationError`; what the participant's own store throws.
    func handle(_ deliveries: [Delivery]) async throws -> [Settlement.Verdict] {
        let contents = deliveries.map { delivery in
            Result { try Recorded<P.Event>.required(in: delivery.event, by: P.self) }
        }
        let sagas = Set(contents.flatMap { (try? $0.get()) ?? [] }.map { P.saga(of: $0.event) })
        var turn = Turn(known: try await recollections(of: sagas))
        for (delivery, events) in zip(deliveries, contents) {
            if case .success(let events) = events {
                react(to: events, of: delivery, in: &turn)
            }
        }
        turn.failures.merge(try await carryOut(turn.owed)) { first, _ in first }
        try await remember(turn.changed.filter { turn.failures[$0.key] == nil })
        let verdicts = zip(deliveries, contents).map { delivery, events in
            let failure: String? =
                switch events {
                case .success(let events):
                    events.lazy.compactMap { turn.failures[P.saga(of: $0.event)] }.first
                case .failure(let error): Self.reason(error)
                }
            return verdict(on: delivery, failure)
        }
        try await goOn(after: deliveries)
        return verdicts
    }

    /// Reacts to what one delivery holds.
    private func react(
        to events: [Recorded<P.Event>], of delivery: Delivery, in turn: inout Turn
    ) {
        func recollection(of event: Recorded<P.Event>) -> Recollection {
            let id = P.saga(of: event.event)
            var recollection = turn.known[id] ?? Recollection()
            recollection.saga = turn.changed[id] ?? recollection.saga
            return recollection
        }
        // Asked before any is folded, for they have the position in common.
        let isNew = events.map { $0.position > recollection(of: $0).lastPosition }
        var commands = 0
        let traceparent = delivery.event.traceparent
        for (event, isNew) in zip(events, isNew) {
            let recollection = recollection(of: event)
            var saga = recollection.saga(before: event)
            if isNew {
                saga.fold(event, by: P.self)
                turn.changed[P.saga(of: event.event)] = saga
            }
            // A replayed event may be older than handled events that the memory has forgotten.
            if delivery.replay != nil { saga = recollection.whole(saga) }
            // An event comes again if it was not acknowledged, or is redriven or replayed. Its
            // effects are in the log under the same ids, so nothing happens twice. It can't be
            // skipped: an event older than the saga's last one may never have been handled, because
            // a purge drops events.
            react(
                to: event, of: delivery, traceparent, given: saga.state, after: &commands,
                in: &turn)
        }
    }

    /// - Parameter commands: how many the delivery has led to so far.
    private func react(
        to event: Recorded<P.Event>, of delivery: Delivery, _ traceparent: TraceParent?,
        given state: P.State, after commands: inout Int, in turn: inout Turn
    ) {
        let saga = P.saga(of: event.event)
        do {
            for command in try participant.react(to: event.event, given: state) {
                let cause = Cause(
                    correlationID: event.correlationID, causationID: event.id,
                    key: event.id.derived("\(P.name)/\(commands)"), actor: P.name,
                    traceparent: traceparent, deliveries: delivery.receiveCount)
                turn.owed[Subject.id(of: command), default: []].append(
                    Owed(command: command, cause: cause, saga: saga))
                commands += 1
            }
        } catch {
            turn.failures[saga] = Self.reason(error)
        }
    }

    private func verdict(on delivery: Delivery, _ failure: String?) -> Settlement.Verdict {
        guard let failure else {
            handled += 1
            return .done
        }
        let event = delivery.event
        failed += 1
        note(
            failure, of: "\(event.type) at position \(event.position)",
            in: event.correlationID)
        return .failed(error: failure, delay: nil)
    }

    func note(_ failure: String, of what: String, in correlationID: EventID) {
        let what = Self.line(what)
        lastFailure = "\(what): \(failure)"
        logger.error(
            "\(what) could not be handled",
            metadata: ["reason": "\(failure)", "correlationId": "\(correlationID)"])
    }

    private static func reason(_ error: any Error) -> String { line("\(error)") }

    /// What others have named must not break a line of the log.
    private static func line(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).joined(separator: " ")
    }

    // MARK: Commands

    /// Carries out what is owed.
    ///
    /// - Returns: by saga, what has failed.
    func carryOut(_ owed: [String: [Owed]]) async throws -> [String: String] {
        try await withThrowingTaskGroup(of: [String: String].self) { group in
            for commands in owed.values {
                group.addTask { try await self.carryOut(commands) }
            }
            var failures: [String: String] = [:]
            for try await failed in group { failures.merge(failed) { first, _ in first } }
            return failures
        }
    }

    private func carryOut(_ commands: [Owed]) async throws -> [String: String] {
        var failures: [String: String] = [:]
        for owed in commands where failures[owed.saga] == nil {
            do {
                _ = try await insist { try await repository.execute(owed.command, owed.cause) }
            } catch let error as CancellationError {
                throw error
            } catch {
                failures[owed.saga] = Self.reason(error)
            }
        }
        return failures
    }

    /// What the store answers, however long it is away.
    func insist<Answer>(_ ask: () async throws -> Answer) async throws -> Answer {
        while true {
            do {
                return try await ask()
            } catch let error as DaybookError where error.kind == .unavailable {
                try Task.checkCancellation()
                logger.warning("waiting for the event store", metadata: ["reason": "\(error)"])
            }
        }
    }
}
