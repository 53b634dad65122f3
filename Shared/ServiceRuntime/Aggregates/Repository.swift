import EventSourcing
import EventStoreClient
import Observability
import WireProtocol
import ZeroMQ

/// The executor of commands on one kind of aggregate.
///
/// It loads the aggregate, lets it decide, and appends the events at the revision that the decision
/// is based on. If another process appended first, it decides again.
///
/// A cached state may be stale. The log checks the revision of an append, so the repository may
/// decide on a cached state if the decision has events. Nothing checks a rejection or "nothing to
/// do", so the repository returns those only for a state that it read during the call.
actor Repository<Subject: Aggregate>: LoopActor {
    /// The state of an aggregate at a revision of its stream.
    struct Loaded: Sendable {
        var state = Subject.initial
        /// The revision of the last event; nil for a stream that does not exist.
        var revision: UInt64?
        var position: UInt64 = 0
        /// The id of the last event.
        var event = EventID.none
        /// How many events the stored snapshot contains.
        var snapshotted: UInt64 = 0

        /// How many events the state contains.
        var count: UInt64 { revision.map { $0 + 1 } ?? 0 }

        /// Applies the events in the next record of the stream.
        mutating func apply(_ events: some Sequence<Subject.Event>, of record: RecordedEvent) {
            for event in events { Subject.evolve(&state, with: event) }
            revision = record.revision
            position = record.position
            event = record.id
        }
    }

    let client: EventStoreClient
    private let snapshots: SnapshotStore?
    /// The process's socket loop: calls from there need no change of threads.
    nonisolated let loop: SocketLoop
    private var cache = GenerationalCache<String, Loaded>(generationSize: 50_000)
    private var lock = KeyedLock()
    /// The current read of the log's last commit time, or nil.
    private var timeReading: Task<Timestamp, any Error>?

    /// Creates a repository that works on the thread of `loop`.
    ///
    /// - Parameter snapshots: the store of snapshots, or nil to keep none.
    init(
        _ subject: Subject.Type, client: EventStoreClient, snapshots: SnapshotStore? = nil,
        on loop: SocketLoop
    ) {
        self.client = client
        self.snapshots = snapshots
        self.loop = loop
    }

    /// Executes a command. Retries with the same cause have no further effect.
    ///
    /// Commands on one aggregate are executed one after the other, in the order of the calls.
    ///
    /// - Throws: `DaybookError` of kind `rejected` with the aggregate's rejection, `unavailable` if
    ///   the event store can't be reached, or `internal` if other processes appended first in each
    ///   of 100 attempts; `UnreadableEvent` if the aggregate has an event that can't be read;
    ///   `ProtocolError` with the code `idReused` if another command has used the id, or `expired`
    ///   if the caller no longer waits.
    func execute(_ command: Subject.Command, _ cause: Cause) async throws -> Outcome {
        let stream = try StreamName(category: Subject.category, id: Subject.id(of: command))
        var current: Loaded?
        return try await attempt(on: stream, cause) {
            // Without a cached state, it first decides for a new stream, which saves a read if the
            // stream is new.
            let loaded = current ?? cache[stream.id] ?? Loaded()
            let dated = try await dated(command)
            let decision = Result { try Subject.decision(on: dated, given: loaded.state) }
            if case .success(let events) = decision, !events.isEmpty {
                if let outcome = try await append(events, to: stream, after: loaded, cause) {
                    return outcome
                }
            } else if current != nil {
                // An earlier attempt of the command may have taken effect and changed the
                // aggregate. Then the answer is `repeated`, and neither a rejection nor `nothing`.
                if let outcome = try await earlierOutcome(of: cause, on: stream) {
                    return outcome
                }
                _ = try decision.get()
                return .nothing
            }
            current = try await read(stream, after: loaded)
            return nil
        }
    }

    /// Returns the first outcome of `body`, or the one of an earlier attempt with the same cause.
    ///
    /// - Parameter body: returns nil to be called again, because the stream has changed.
    /// - Throws: `internal` if `body` returned nil 100 times.
    func attempt(
        on stream: StreamName, _ cause: Cause, _ body: () async throws -> Outcome?
    ) async throws -> Outcome {
        await lock(stream)
        defer { lock.unlock(stream.id) }
        if cause.mayBeRepeat, let outcome = try await earlierOutcome(of: cause, on: stream) {
            return outcome
        }
        let attempts = 100
        for _ in 0..<attempts {
            if let outcome = try await body() { return outcome }
        }
        throw DaybookError(
            .internal,
            "other processes changed stream \(stream) in each of \(attempts) attempts; try again")
    }

    private func lock(_ stream: StreamName) async {
        if !lock.tryLock(stream.id) {
            await withCheckedContinuation { lock.wait(for: stream.id, $0) }
        }
    }

    /// Forgets the state of the amended event's stream, in memory and on disk, because it was
    /// computed from the event as it was read before.
    func forget(_ notice: AmendmentNotice) async {
        let stream = notice.event.stream
        guard stream.category == Subject.category else { return }
        // A command that is under way stores its state before it unlocks the stream.
        await lock(stream)
        defer { lock.unlock(stream.id) }
        cache[stream.id] = nil
        await snapshots?.forget(stream, amendedAt: notice.position)
    }

    /// Returns the command with the time of its decision, if it needs one.
    func dated(_ command: Subject.Command) async throws -> Subject.Command {
        guard let timed = Subject.timed(command) else { return command }
        return timed(try await now())
    }

    /// Returns the time for decisions and deadlines: the later of this process's clock and the
    /// log's last commit time. Concurrent callers share one read of the log.
    ///
    /// Commit times never go back, so a process whose clock is slow does not miss a deadline.
    func now() async throws -> Timestamp {
        let reading = timeReading ?? Task { try await self.lastCommitTime() }
        timeReading = reading
        return max(try await reading.value, .now())
    }

    private func lastCommitTime() async throws -> Timestamp {
        defer { timeReading = nil }
        return try await client.last()?.time ?? .distantPast
    }

    /// Returns the outcome of an earlier attempt with the same cause, or nil if none had an effect.
    ///
    /// - Throws: `idReused` if another command has used the id.
    private func earlierOutcome(of cause: Cause, on stream: StreamName) async throws -> Outcome? {
        try await client.earlierOutcome(of: cause) { $0 == stream }
    }

    /// Returns the current state of the aggregate: the cached one plus the stream's new events.
    func state(of id: String) async throws -> Subject.State {
        let stream = try StreamName(category: Subject.category, id: id)
        return try await caughtUp(known(stream, cache[id]), stream).state
    }

    /// Returns the state to start reading from: `loaded` if it has events, otherwise the snapshot.
    private func known(_ stream: StreamName, _ loaded: Loaded?) async throws -> Loaded {
        if let loaded, loaded.revision != nil { return loaded }
        return try await snapshot(stream) ?? Loaded()
    }

    /// Reads the current state of the stream, and caches it.
    ///
    /// - Parameter earlier: an earlier state of the stream. Its events are not read again.
    private func read(_ stream: StreamName, after earlier: Loaded) async throws -> Loaded {
        let start = try await known(stream, earlier)
        let loaded = await keepingSnapshot(try await caughtUp(start, stream), stream)
        cache[stream.id] = loaded.revision == nil ? nil : loaded
        return loaded
    }

    /// Returns the stored snapshot of the stream. Returns nil if the log does not have its last
    /// event, as after a restore of an older log.
    private func snapshot(_ stream: StreamName) async throws -> Loaded? {
        guard let kept = await snapshots?.snapshot(of: stream, Subject.self),
            let event = try await client.event(id: kept.event),
            event.stream == stream, event.revision == kept.revision,
            event.position == kept.position
        else { return nil }
        return Loaded(
            state: kept.state, revision: kept.revision, position: kept.position,
            event: kept.event, snapshotted: kept.revision + 1)
    }

    /// Stores a snapshot if the stored one is at least `snapshotInterval` events old.
    private func keepingSnapshot(_ loaded: Loaded, _ stream: StreamName) async -> Loaded {
        guard let snapshots, let revision = loaded.revision,
            loaded.count >= loaded.snapshotted + UInt64(Subject.snapshotInterval)
        else { return loaded }
        let snapshot = Snapshot(
            state: loaded.state, revision: revision, position: loaded.position,
            event: loaded.event)
        await snapshots.keep(snapshot, of: stream, Subject.self)
        var loaded = loaded
        loaded.snapshotted = loaded.count
        return loaded
    }

    /// Returns `loaded` with the events that were appended to the stream since.
    func caughtUp(_ loaded: Loaded, _ stream: StreamName) async throws -> Loaded {
        var loaded = loaded
        let request = ReadRequest(.stream(stream), from: loaded.position + 1)
        for try await record in client.read(request).events {
            let events = try Recorded<Subject.Event>.required(in: record, by: Subject.self)
            loaded.apply(events.lazy.map(\.event), of: record)
        }
        return loaded
    }

    /// Appends the events after the loaded revision.
    ///
    /// - Returns: nil if the stream has changed since it was loaded.
    /// - Throws: `expired` if the caller no longer waits, `idReused` if another command has used
    ///   the id.
    func append(
        _ events: [Subject.Event], to stream: StreamName, after loaded: Loaded, _ cause: Cause
    ) async throws -> Outcome? {
        // Checked here and not only when the command arrives: it may have waited for other
        // commands, or for a read.
        try cause.checkDeadline(at: .now())
        let metadata = try EventMetadata(cause).encoded()
        let new = try events.enumerated().map { index, event in
            try NewEvent(
                id: cause.eventID(index), stream: stream, type: event.type, tags: event.tags,
                correlationID: cause.correlationID, causationID: cause.causationID,
                metadata: metadata, data: event.encoded())
        }
        let expected = loaded.revision.map(ExpectedRevision.revision) ?? .noStream
        do {
            let appended = try await client.append(new, .stream(stream, expected))
            guard !appended.isRepeat else {
                cache[stream.id] = nil
                return .repeated(position: appended.last, types: events.map(\.type))
            }
            var now = loaded
            for event in events { Subject.evolve(&now.state, with: event) }
            now.revision = appended.lastRevision
            now.position = appended.last
            now.event = cause.eventID(events.count - 1)
            cache[stream.id] = await keepingSnapshot(now, stream)
            return .appended(appended, types: events.map(\.type))
        } catch let error as ProtocolError where error.code == .wrongRevision {
            cache[stream.id] = nil
            return nil
        } catch let error as ProtocolError where error.code == .idReused {
            // The log has other events under these ids: of another command, or of an earlier
            // attempt that was decided on an earlier state of the aggregate.
            cache[stream.id] = nil
            if let outcome = try await earlierOutcome(of: cause, on: stream) { return outcome }
            throw error
        }
    }
}

extension Aggregate {
    /// Returns the events that `command` leads to.
    ///
    /// - Throws: `rejected` with the aggregate's rejection.
    static func decision(on command: Command, given state: State) throws -> [Event] {
        do {
            return try decide(command, given: state)
        } catch {
            throw DaybookError(.rejected, error.description)
        }
    }
}
