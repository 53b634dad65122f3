import EventSourcing
import EventStoreClient
import HeapModule
import Logging
import WireProtocol
import ZeroMQ

/// The runner of a saga participant: it takes events from the queue, remembers sagas, and executes
/// the participant's commands with exactly-once effect.
///
/// The ids of the events that a reaction appends derive from the id of the event that it reacts to.
/// So a repeated reaction appends nothing.
///
/// Commands on one aggregate are executed in the order of their events. Commands on different
/// aggregates are executed concurrently, so that the store can write their events with one sync.
actor ParticipantRunner<P: Participant, Subject: Aggregate>: LoopActor
where P.Command == Subject.Command {
    /// A command that a saga has issued and that is not executed yet.
    struct Owed: Sendable {
        let command: P.Command
        let cause: Cause
        let saga: String
    }

    /// The intermediate results of one batch.
    private struct BatchResult {
        /// The sagas before the batch, by id.
        let known: [String: SagaMemory]
        /// The sagas that the batch has changed, by id.
        var changed: [String: Saga<P.State>] = [:]
        /// The commands to execute, by the id of their aggregate.
        var owed: [String: [Owed]] = [:]
        /// Why sagas failed, by their id.
        var failures: [String: String] = [:]
    }

    /// How many events the consumer holds at a time. Half of them are being handled.
    private static var concurrency: Int { 1000 }
    /// How long a stopping process waits for the events that are being handled.
    private static var drainTimeout: Duration { .seconds(5) }
    /// How many attempts in a row must find no queue before the runner logs a warning.
    private static var patience: Int { 6 }

    let participant: P
    let repository: Repository<Subject>
    let client: EventStoreClient
    let store: SagaStore<P.State>
    let service: String
    let logger: Logger
    let loop: SocketLoop

    var cache = GenerationalCache<String, Saga<P.State>>(generationSize: 50_000)
    /// The position where the memory begins. It contains every handled event after this position,
    /// and may lack events up to it.
    var beginning: UInt64 = 0
    var deadlines = Heap<Deadline>()
    var failedDeadlines: [Deadline: FailedDeadline] = [:]
    /// The time up to which all events have been handled, except those that failed.
    var horizon = Timestamp(microseconds: 0)
    /// The latest commit time of a delivered event.
    var lastTime = Timestamp(microseconds: 0)
    var nextTrim = ContinuousClock.now
    /// Amendments of events that may be part of remembered sagas.
    private var amendments: [AmendmentNotice] = []
    private(set) var status: ParticipantStatus

    /// - Parameter service: the service's name, which is also the name of the queue's consumer.
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
        status = ParticipantStatus(queue: P.name, store: store.path)
    }

    /// Handles events until cancelled. Waits for the queue if it does not exist.
    func run() async throws {
        /// How many attempts in a row found no queue.
        var misses = 0
        while true {
            do {
                try await consumeQueue()
            } catch let error as ProtocolError where error.code == .notFound {
                misses = status.state == .running ? 1 : misses + 1
                // An event store that has just started may be about to create the queue.
                if misses == Self.patience {
                    logger.warning(
                        """
                        queue '\(P.name)' does not exist; start the event store with --rules \
                        Services/rules.json, or create it with: event-store queues create \(P.name)
                        """, metadata: ["reason": "\(error)"])
                }
            } catch let error as any ClassifiedError where error.isTemporary {
                logger.noteWaiting(error)
            }
            status.state = .waiting
            // The event store does not report new queues, so the runner must poll.
            try await Task.sleep(for: .milliseconds(500))
        }
    }

    func close() throws { try store.close() }

    var amendmentCheckpoint: UInt64 { store.amendmentCheckpoint }

    /// Makes the runner read the sagas of the amended event again, before it handles more events.
    func note(_ notice: AmendmentNotice) { amendments.append(notice) }

    private func consumeQueue() async throws {
        let consumer = try await client.consumer(of: P.name, named: service)
        try await closing(consumer.close) {
            // Leases of an earlier process of this service would delay their events until the
            // visibility timeout.
            try await consumer.release()
            try await loadMemory()
            status.state = .running
            let worker = QueueWorker(
                consumer, concurrency: Self.concurrency, drainTimeout: Self.drainTimeout,
                onUnavailable: logger.noteWaiting)
            try await worker.run(batches: { try await self.handle($0) })
        }
    }

    // MARK: Events

    /// Reacts to a batch of deliveries, stores the changed sagas, and returns the verdict on each
    /// delivery.
    ///
    /// The queue redelivers a failed event later. The other events proceed, except the later ones
    /// in the same group, which wait in the queue so that the order is kept.
    ///
    /// - Throws: `CancellationError`, or the errors of the participant's own store.
    func handle(_ deliveries: [Delivery]) async throws -> [Acknowledgement.Verdict] {
        if !amendments.isEmpty {
            let noted = amendments
            try await refold(noted)
            amendments.removeFirst(noted.count)
        }
        let contents = deliveries.map { delivery in
            Result { try Recorded<P.Event>.required(in: delivery.event, by: P.self) }
        }
        let sagas = Set(contents.flatMap { (try? $0.get()) ?? [] }.map { P.saga(of: $0.event) })
        var result = BatchResult(known: try await memories(of: sagas))
        for (delivery, events) in zip(deliveries, contents) {
            if case .success(let events) = events {
                react(to: events, of: delivery, in: &result)
            }
        }
        result.failures.merge(try await carryOut(result.owed)) { first, _ in first }
        try await remember(result.changed.filter { result.failures[$0.key] == nil })
        let verdicts = zip(deliveries, contents).map { delivery, events in
            switch events {
            case .success(let events):
                let failure = events.lazy.compactMap { result.failures[P.saga(of: $0.event)] }.first
                return verdict(on: delivery, failure.map { .failed(error: $0, delay: nil) })
            case .failure(let error):
                // A retry would not help, and would keep the group waiting.
                return verdict(on: delivery, .unreadable(error: Self.reason(error)))
            }
        }
        try await advanceTime(after: deliveries)
        return verdicts
    }

    /// Reacts to the events in one delivery.
    private func react(
        to events: [Recorded<P.Event>], of delivery: Delivery, in result: inout BatchResult
    ) {
        func memory(of event: Recorded<P.Event>) -> SagaMemory {
            let id = P.saga(of: event.event)
            var memory = result.known[id] ?? SagaMemory()
            memory.saga = result.changed[id] ?? memory.saga
            return memory
        }
        // Computed before the first fold, because all events of a delivery share one position.
        let isNew = events.map { $0.position > memory(of: $0).lastPosition }
        // How many commands the delivery has issued so far. The ids of the appended events derive
        // from it.
        var commands = 0
        let traceparent = delivery.event.traceparent
        for (event, isNew) in zip(events, isNew) {
            let memory = memory(of: event)
            var saga = memory.saga(before: event)
            if isNew {
                saga.fold(event, by: P.self)
                result.changed[P.saga(of: event.event)] = saga
            }
            // A replayed event may be older than handled events that the memory has forgotten.
            if delivery.replay != nil { saga = memory.complete(saga) }
            // An event comes again if it was not acknowledged, or is redriven or replayed. Its
            // effects are in the log under the same ids, so nothing happens twice. It can't be
            // skipped: an event older than the saga's last one may never have been handled, because
            // a purge drops events.
            do {
                for command in try participant.react(to: event.event, given: saga.state) {
                    let cause = Cause(
                        correlationID: event.correlationID, causationID: event.id,
                        key: event.id.derived("\(P.name)/\(commands)"), actor: P.name,
                        traceparent: traceparent, deliveries: delivery.receiveCount)
                    result.owed[Subject.id(of: command), default: []].append(
                        Owed(command: command, cause: cause, saga: P.saga(of: event.event)))
                    commands += 1
                }
            } catch {
                result.failures[P.saga(of: event.event)] = Self.reason(error)
            }
        }
    }

    /// Counts the delivery, and returns `failure`, or `acknowledged` if it is nil.
    private func verdict(
        on delivery: Delivery, _ failure: Acknowledgement.Verdict?
    ) -> Acknowledgement.Verdict {
        guard let failure else {
            status.handled += 1
            return .acknowledged
        }
        let event = delivery.event
        status.failed += 1
        recordFailure(
            failure.error ?? "", of: "\(event.type) at position \(event.position)",
            in: event.correlationID)
        return failure
    }

    /// Logs a failure, and remembers it for the status.
    func recordFailure(_ failure: String, of what: String, in correlationID: EventID) {
        let what = Self.line(what)
        status.lastFailure = "\(what): \(failure)"
        logger.error(
            "\(what) could not be handled",
            metadata: ["reason": "\(failure)", "correlationId": "\(correlationID)"])
    }

    private static func reason(_ error: any Error) -> String { line("\(error)") }

    /// Returns the text on one line, because names and errors from outside may contain newlines,
    /// which would break the line format of the log.
    private static func line(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).joined(separator: " ")
    }

    // MARK: Commands

    /// Executes the commands, and returns the reasons of failures by saga.
    ///
    /// A saga's commands on an aggregate end with the first failure, because later ones may depend
    /// on it.
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
                _ = try await retryWhileUnavailable {
                    try await repository.execute(owed.command, owed.cause)
                }
            } catch let error as CancellationError {
                throw error
            } catch {
                failures[owed.saga] = Self.reason(error)
            }
        }
        return failures
    }

    /// Returns the answer of `ask`. Retries while the event store is unavailable or overloaded.
    func retryWhileUnavailable<Answer>(_ ask: () async throws -> Answer) async throws -> Answer {
        try await retrying(noting: logger.noteWaiting, ask)
    }
}

/// A saga participant at work, whatever its type.
protocol RunningParticipant: Sendable {
    /// Handles events until cancelled.
    func run() async throws
    var status: ParticipantStatus { get async }
    /// The position of the last amendment that the participant's memory reflects.
    var amendmentCheckpoint: UInt64 { get async }
    /// Makes the participant read the sagas of an amended event again.
    func note(_ notice: AmendmentNotice) async
    /// Returns the events that the participant's reactions would append if `events` happened.
    func rehearse(_ events: [RehearsedEvent]) async throws -> [RehearsedEvent]
    /// Returns the position of the last event in the streams, or 0, and the events to which the
    /// participant has still to react.
    func unhandled(
        in streams: Set<StreamName>
    ) async throws -> (events: [UnhandledEvent], last: UInt64)
    /// Closes the participant's memory.
    func close() async throws
}

extension ParticipantRunner: RunningParticipant {}
