public import EventSourcing
public import EventStoreClient
import WireProtocol
public import ZeroMQ

/// What a command came to.
public enum Outcome: Sendable, Hashable {
    /// Its events are in the log.
    case appended(Appended, types: [String])
    /// They were in the log already, brought about by an earlier attempt of the same command.
    case repeated(position: UInt64)
    /// There was nothing to do.
    case nothing
}

/// Loads an aggregate, has it decide, and appends what it decided where it was loaded; when another
/// was faster, all over again. The one place where that is done.
public actor Repository<Subject: Aggregate> {
    struct Loaded: Sendable {
        var state = Subject.initial
        /// The revision of the last event; nil for a stream that does not exist.
        var revision: UInt64?
        var position: UInt64 = 0
        /// The id of the last event.
        var event = EventID.none
        /// How many events are in the snapshot that is kept.
        var snapshotted: UInt64 = 0

        /// How many events are in it.
        var count: UInt64 { revision.map { $0 + 1 } ?? 0 }
    }

    let client: EventStoreClient
    private let snapshots: SnapshotStore?
    private let loop: SocketLoop
    private var cache = GenerationalCache<String, Loaded>(generationSize: 50_000)
    var lock = KeyedLock()

    public nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe loop.asUnownedSerialExecutor()
    }

    /// - Parameter snapshots: where snapshots are kept, if they are.
    public init(
        _ subject: Subject.Type, client: EventStoreClient, snapshots: SnapshotStore? = nil,
        on loop: SocketLoop
    ) {
        self.client = client
        self.snapshots = snapshots
        self.loop = loop
    }

    /// Carries `command` out, once in effect however often it is tried with the same cause.
    ///
    /// Commands on one aggregate are carried out one after the other, in the order of the calls.
    /// - Throws: a `Refusal` with the aggregate's rejection, or `Unavailable` when the store can't
    ///   be reached.
    public func execute(_ command: Subject.Command, _ cause: Cause) async throws -> Outcome {
        let id = Subject.id(of: command)
        let stream = try StreamName(category: Subject.category, id: id)
        await acquire(id)
        defer { lock.unlock(id) }
        if cause.mayBeRepeat, let position = try await earlierEffect(of: cause) {
            return .repeated(position: position)
        }
        if cache[id] == nil, let outcome = try await begin(stream, command, cause) {
            return outcome
        }
        for _ in 0..<Contention.attempts {
            let loaded = try await load(id, stream)
            guard let events = try await decide(command, loaded.state, cause) else {
                return .repeated(position: loaded.position)
            }
            guard !events.isEmpty else { return .nothing }
            if let outcome = try await append(events, to: stream, after: loaded, cause) {
                return outcome
            }
        }
        throw Contention(stream: stream)
    }

    /// Takes the stream for one that does not exist, which saves looking: what is decided is
    /// appended only if that is so. Nil if it is not, or if there is nothing that could be
    /// appended.
    private func begin(
        _ stream: StreamName, _ command: Subject.Command, _ cause: Cause
    ) async throws -> Outcome? {
        guard let events = try? Subject.decide(command, given: Subject.initial), !events.isEmpty
        else { return nil }
        return try await append(events, to: stream, after: Loaded(), cause)
    }

    func acquire(_ id: String) async {
        guard !lock.tryLock(id) else { return }
        await withCheckedContinuation { lock.wait(for: id, $0) }
    }

    /// The decision; nil when it was taken before: the aggregate has moved on since, and refuses
    /// now what it accepted then.
    private func decide(
        _ command: Subject.Command, _ state: Subject.State, _ cause: Cause
    ) async throws -> [Subject.Event]? {
        do {
            return try Subject.decide(command, given: state)
        } catch {
            guard try await earlierEffect(of: cause) == nil else { return nil }
            throw Refusal(description: error.description)
        }
    }

    func earlierEffect(of cause: Cause) async throws -> UInt64? {
        try await client.event(id: cause.eventID(0))?.position
    }

    /// The state of the aggregate in the log.
    func state(of id: String) async throws -> Subject.State {
        let stream = try StreamName(category: Subject.category, id: id)
        return try await caughtUp(try await load(id, stream), stream).state
    }

    func load(_ id: String, _ stream: StreamName) async throws -> Loaded {
        if let loaded = cache[id] { return loaded }
        let known = try await snapshot(stream) ?? Loaded()
        return await keepingSnapshot(try await caughtUp(known, stream), stream)
    }

    /// The state that is kept of the stream, if the log has the event that it goes up to.
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

    /// Keeps a snapshot if the one that is kept has become too old.
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

    /// `loaded` and what has been appended to the stream since.
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

    /// The outcome, or nil if the stream was not where it was loaded.
    func append(
        _ events: [Subject.Event], to stream: StreamName, after loaded: Loaded, _ cause: Cause
    ) async throws -> Outcome? {
        let metadata = try cause.metadata.encoded()
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
            // What was taken for a new stream may be a long one.
            cache[stream.id] = nil
            cache[stream.id] =
                loaded.revision == nil
                ? try await load(stream.id, stream) : try await caughtUp(loaded, stream)
            return nil
        } catch let error as ProtocolError where error.code == .idReused {
            // The same cause has had its effect, on an earlier state of the aggregate.
            cache[stream.id] = nil
            return .repeated(position: error.detail)
        }
    }
}

/// A decision of the domain against what was asked: not a failure.
public struct Refusal: InputError, Hashable {
    public let description: String

    public init(description: String) { self.description = description }
}

/// Someone else was faster, time after time.
public struct Contention: Error, CustomStringConvertible {
    static let attempts = 100

    let stream: StreamName
    public var description: String {
        "stream \(stream) was changed by others in each of \(Self.attempts) attempts; try again"
    }
}
