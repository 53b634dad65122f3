public import EventSourcing
public import EventStoreClient
public import WireProtocol
public import ZeroMQ

/// The executor of commands on one kind of aggregate.
///
/// It loads the aggregate, lets it decide, and appends the events at the revision that the decision
/// is based on. If another process appended first, it decides again.
///
/// A cached state may be stale. The log checks the revision of an append, so the repository may
/// decide on a cached state if the decision has events. Nothing checks a rejection or "nothing to
/// do", so the repository returns those only for a state that it read during the call.
public actor Repository<Subject: Aggregate> {
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
    }

    let client: EventStoreClient
    let time: LogTime
    private let snapshots: SnapshotStore?
    private let loop: SocketLoop
    private var cache = GenerationalCache<String, Loaded>(generationSize: 50_000)
    var lock = KeyedLock()

    /// The executor of the process's socket loop: calls from there need no change of threads.
    public nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe loop.asUnownedSerialExecutor()
    }

    /// Creates a repository that works on the thread of `loop`.
    ///
    /// - Parameter snapshots: the store of snapshots, or nil to keep none.
    public init(
        _ subject: Subject.Type, client: EventStoreClient, snapshots: SnapshotStore? = nil,
        on loop: SocketLoop
    ) {
        self.client = client
        self.snapshots = snapshots
        self.loop = loop
        time = LogTime(client, on: loop)
    }

    /// Executes a command. Retries with the same cause have no further effect.
    ///
    /// Commands on one aggregate are executed one after the other, in the order of the calls.
    ///
    /// - Throws: `DaybookError` of kind `rejected` with the aggregate's rejection, `unavailable` if
    ///   the event store can't be reached, or `internal` if other processes appended first in each
    ///   of 100 attempts.
    public func execute(_ command: Subject.Command, _ cause: Cause) async throws -> Outcome {
        let id = Subject.id(of: command)
        let stream = try StreamName(category: Subject.category, id: id)
        await acquire(id)
        defer { lock.unlock(id) }
        if cause.mayBeRepeat, let position = try await earlierEffect(of: cause) {
            return .repeated(position: position)
        }
        var isCurrent = false
        var loaded: Loaded
        if let cached = cache[id] {
            loaded = cached
        } else {
            if let outcome = try await begin(stream, command, cause) { return outcome }
            loaded = try await read(stream)
            isCurrent = true
        }
        for _ in 0..<Contention.attempts {
            let decision = decide(try await dated(command), given: loaded.state)
            if case .success(let events) = decision, !events.isEmpty {
                if let outcome = try await append(events, to: stream, after: loaded, cause) {
                    return outcome
                }
            } else if isCurrent {
                return try await answer(decision, cause)
            }
            loaded = try await read(stream, after: loaded)
            isCurrent = true
        }
        throw Contention.error(in: stream)
    }

    /// Appends the command's events if the stream does not exist, which saves a read for new
    /// streams.
    ///
    /// - Returns: nil if the stream exists, or if the decision for a new stream has no events.
    private func begin(
        _ stream: StreamName, _ command: Subject.Command, _ cause: Cause
    ) async throws -> Outcome? {
        let decision = decide(try await dated(command), given: Subject.initial)
        guard case .success(let events) = decision, !events.isEmpty else { return nil }
        return try await append(events, to: stream, after: Loaded(), cause)
    }

    /// Returns the command with the time of its decision, if it needs one.
    func dated(_ command: Subject.Command) async throws -> Subject.Command {
        guard let timed = Subject.timed(command) else { return command }
        return timed(try await time.now())
    }

    private func decide(
        _ command: Subject.Command, given state: Subject.State
    ) -> Result<[Subject.Event], Subject.Rejection> {
        Result { () throws(Subject.Rejection) in try Subject.decide(command, given: state) }
    }

    /// Returns the answer to a command whose decision has no events.
    ///
    /// An earlier attempt of the command may have taken effect and changed the aggregate. Then the
    /// answer is `repeated`, and neither a rejection nor `nothing`.
    private func answer(
        _ decision: Result<[Subject.Event], Subject.Rejection>, _ cause: Cause
    ) async throws -> Outcome {
        if let position = try await earlierEffect(of: cause) {
            return .repeated(position: position)
        }
        if case .failure(let rejection) = decision {
            throw DaybookError(.rejected, rejection.description)
        }
        return .nothing
    }

    /// Waits until no other command on the aggregate is being executed, and takes its lock.
    func acquire(_ id: String) async {
        guard !lock.tryLock(id) else { return }
        await withCheckedContinuation { lock.wait(for: id, $0) }
    }

    /// Returns the position of the first event that an earlier attempt with the same cause
    /// appended.
    func earlierEffect(of cause: Cause) async throws -> UInt64? {
        try await client.event(id: cause.eventID(0))?.position
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
    private func read(_ stream: StreamName, after earlier: Loaded? = nil) async throws -> Loaded {
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
            for recorded in try Recorded<Subject.Event>.required(in: record, by: Subject.self) {
                Subject.evolve(&loaded.state, with: recorded.event)
            }
            loaded.revision = record.revision
            loaded.position = record.position
            loaded.event = record.id
        }
        return loaded
    }

    /// Appends the events after the loaded revision.
    ///
    /// - Returns: nil if the stream has changed since it was loaded.
    func append(
        _ events: [Subject.Event], to stream: StreamName, after loaded: Loaded, _ cause: Cause
    ) async throws -> Outcome? {
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
                return .repeated(position: appended.first)
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
            // An earlier attempt with the same cause appended other events under these ids: it was
            // decided on an earlier state of the aggregate.
            cache[stream.id] = nil
            return .repeated(position: error.detail)
        }
    }
}

/// The limit on retries when other processes keep appending to a stream first.
enum Contention {
    /// How many times a command is decided before it fails.
    static let attempts = 100

    static func error(in stream: StreamName) -> DaybookError {
        DaybookError(
            .internal,
            "other processes changed stream \(stream) in each of \(attempts) attempts; try again")
    }
}
