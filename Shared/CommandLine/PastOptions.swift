public import ArgumentParser
public import EventSourcing
import EventStoreClient
public import ServiceRuntime
public import WireProtocol

/// The options of every command that can show a past state.
public struct MomentOptions: ParsableArguments {
    /// The time of commit whose state is shown, or nil.
    @Option(
        help: "Show the state at this time of commit, in RFC 3339, such as 2026-01-31T12:00:00Z.",
        transform: Timestamp.argument)
    public var at: Timestamp?

    /// The position of the last event in the state that is shown, or nil.
    @Option(help: "Show the state after the event at this position of the log.")
    public var position: UInt64?

    /// Creates the options. The argument parser sets their values.
    public init() {}

    /// Checks that only one option is given, and that the position is from 1.
    public func validate() throws {
        try require(
            at == nil || position == nil,
            "--at and --position exclude each other; give one of them")
        try require(position != 0, "--position must be 1 or more, not 0")
    }

    /// The point in the log whose state is shown, or nil for now.
    public var moment: Moment? { at.map(Moment.time) ?? position.map(Moment.position) }
}

/// The options that choose who computes an answer: the running service, or the command.
public struct LogOptions: ParsableArguments {
    /// Whether the command reads the log itself, instead of asking the service.
    @Flag(help: "Read the log instead of asking the service, which need not run.")
    public var offline = false

    /// The endpoint of the event store. If nil, the environment or the default under
    /// `home` applies.
    @Option(help: "The endpoint of the event store, for --offline (DAYBOOK_EVENT_STORE_ENDPOINT).")
    public var eventStore: String?

    /// Creates the options. The argument parser sets their values.
    public init() {}

    /// Checks that `--event-store` comes with `--offline`.
    public func validate() throws {
        try require(
            eventStore == nil || offline,
            "--event-store needs --offline: without it, the service answers")
    }

    /// Returns the answer of the running service, or with `--offline` the one that `read` computes
    /// from the log.
    ///
    /// - Throws: `unavailable` if the service, or with `--offline` the event store, does not
    ///   answer.
    func answer<S: Service, Answer: Sendable>(
        of service: S.Type, _ call: CallOptions, _ ask: (ServiceClient) async throws -> Answer,
        offline read:
            @escaping @Sendable (PastReading<S>, PastReading<S>.Progress) async throws -> Answer
    ) async throws -> Answer {
        guard offline else {
            do {
                return try await call.with(S.name, ask)
            } catch let error as any ClassifiedError where error.kind == .unavailable {
                throw DaybookError(
                    .unavailable,
                    "\(error) To read the log without the service, use --offline; if the answer "
                        + "takes long, raise --timeout")
            }
        }
        // The past answer's snapshots go to the service's folder.
        let folder = "\(call.home)/\(S.name)"
        makeNewFilesPrivate()
        return try await EventStoreConnection.with(
            eventStore, home: call.home, timeout: call.timeoutDuration
        ) { client in
            try await call.timeoutOption.limit {
                var bar = ProgressBar("log", total: 0)
                defer { bar.end() }
                return try await read(PastReading(client: client, folder: folder)) { through, end in
                    bar.show(Int(clamping: through), of: Int(clamping: end))
                }
            }
        }
    }
}

/// The options of every query for a hypothetical state, or for the state in a file.
public struct StateOptions: ParsableArguments {
    /// The event that a hypothetical answer leaves out, or nil.
    @Option(
        help: "Show the hypothetical state without this event, given by its id or position.",
        transform: EventReference.argument)
    public var without: EventReference?

    /// The path of a read model to query instead of the service, or nil.
    @Option(help: "Read this file, made by 'rebuild --into', instead of asking the service.")
    public var store: String?

    /// Creates the options. The argument parser sets their values.
    public init() {}
}

/// A command that prints the answer to a query.
///
/// The command declares these groups of options itself, for the reason that `RepeatableCommand`
/// gives.
public protocol QueryCommand: ProgramCommand {
    /// The options for the call to the service.
    var call: CallOptions { get }
    /// The options for a past state.
    var when: MomentOptions { get }
    /// The options for a hypothetical state, or for the state in a file.
    var state: StateOptions { get }
    /// The options for an answer without the service.
    var log: LogOptions { get }
}

extension QueryCommand {
    /// Checks that `--store` is not combined with another state.
    public func validate() throws {
        try require(
            state.store == nil || (when.moment == nil && state.without == nil && !log.offline),
            "--store shows the file's own state; omit --at, --position, --without and --offline")
    }

    /// Prints the answer to a query, as JSON or with `printAnswer` for people.
    public func show<S, Argument, Answer>(
        _ query: ServiceQuery<S, Argument, Answer>, _ argument: Argument,
        _ printAnswer: (Answer) throws -> Void
    ) async throws {
        if let without = state.without {
            let moment = when.moment
            let marked: Marked<Hypothetical<Answer>> = try await log.answer(of: S.self, call) {
                try await $0.marked(query.name, argument, asOf: moment, without: without)
            } offline: { past, progress in
                let answer = try await past.hypothetical(
                    query, argument, without: without, asOf: moment, progress)
                return Marked(answer, nil)
            }
            let answer = marked.answer
            if call.json { try Output.json(answer) } else { try Output.show(answer, printAnswer) }
            Output.show(marked.marks, of: S.name)
        } else {
            let marked = try await answer(query, argument)
            let answer = marked.answer
            if call.json { try Output.json(answer) } else { try printAnswer(answer) }
            Output.show(marked.marks, of: S.name)
        }
    }

    /// Prints the entity of an id, or the answer of `all` if `id` is nil.
    public func show<S: EntityService>(
        _ id: String?, orAll all: ServiceQuery<S, Nothing, [Listed<S.Entity>]>,
        _ printEntities: ([Listed<S.Entity>]) throws -> Void
    ) async throws {
        guard let id else { return try await show(all, Nothing(), printEntities) }
        try await show(S.entity, id) { try printEntities([.shown($0)]) }
    }

    private func answer<S, Argument, Answer>(
        _ query: ServiceQuery<S, Argument, Answer>, _ argument: Argument
    ) async throws -> Marked<Answer> {
        if let store = state.store { return try StoreFile<S>(store).answer(query, argument) }
        let moment = when.moment
        return try await log.answer(of: S.self, call) {
            try await $0.marked(query.name, argument, asOf: moment)
        } offline: { past, progress in
            try await past.marked(query, argument, asOf: moment, progress)
        }
    }
}
