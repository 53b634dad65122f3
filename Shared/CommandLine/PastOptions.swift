public import ArgumentParser
public import EventSourcing
public import EventStoreClient
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

/// The options of every query.
public struct QueryOptions: ParsableArguments {
    /// The options for the call to the service.
    @OptionGroup public var call: CallOptions
    /// The options for a past state.
    @OptionGroup public var when: MomentOptions

    /// The event that a hypothetical answer leaves out, or nil.
    @Option(
        help: "Show the hypothetical state without this event, given by its id or position.",
        transform: EventReference.argument)
    public var without: EventReference?

    /// The path of a read model to query instead of the service, or nil.
    @Option(help: "Read this file, made by 'rebuild --into', instead of asking the service.")
    public var store: String?

    /// The endpoint of the event store. If nil, the environment or the default under
    /// `home` applies.
    @Option(
        help: "The endpoint of the event store, for past states (DAYBOOK_EVENT_STORE_ENDPOINT).")
    public var eventStore: String?

    /// Creates the options. The argument parser sets their values.
    public init() {}

    /// Checks that `--store` is not combined with another state.
    public func validate() throws {
        try require(
            store == nil || (when.moment == nil && without == nil),
            "--store shows the file's own state; omit --at, --position and --without")
    }

    /// Prints the answer to a query, as JSON or with `print` for people.
    ///
    /// The running service answers for now. Past and hypothetical answers come from the log,
    /// whether the service runs or not.
    public func show<S, Argument, Answer>(
        _ query: ServiceQuery<S, Argument, Answer>, _ argument: Argument,
        _ print: (Answer) throws -> Void
    ) async throws {
        if let without {
            let answer = try await past(of: S.self) { past, progress in
                try await past.hypothetical(
                    query, argument, without: without, asOf: when.moment, progress)
            }
            if call.json { try Output.json(answer) } else { try Output.show(answer, print) }
        } else {
            let answer = try await answer(query, argument)
            if call.json { try Output.json(answer) } else { try print(answer) }
        }
    }

    /// Prints the entity of an id, or the answer of `all` if `id` is nil.
    public func show<S: EntityService>(
        _ id: String?, orAll all: ServiceQuery<S, Nothing, [S.Entity]>,
        _ print: ([S.Entity]) throws -> Void
    ) async throws {
        guard let id else { return try await show(all, Nothing(), print) }
        try await show(S.entity, id) { try print([$0]) }
    }

    private func answer<S, Argument, Answer>(
        _ query: ServiceQuery<S, Argument, Answer>, _ argument: Argument
    ) async throws -> Answer {
        if let store { return try StoreFile<S>(store).answer(query, argument) }
        guard let moment = when.moment else {
            return try await call.with(S.name) { service in
                try await service.query(query.name, argument)
            }
        }
        return try await past(of: S.self) { past, progress in
            try await past.answer(query, argument, asOf: moment, progress)
        }
    }

    private func past<S, Result>(
        of service: S.Type,
        _ body: (PastReading<S>, PastReading<S>.Progress) async throws -> Result
    ) async throws -> Result {
        try await EventStoreConnection.with(eventStore, home: call.home) { client in
            var bar = ProgressBar("log", total: 0)
            defer { bar.end() }
            let folder = "\(call.home)/\(S.name)"
            return try await body(PastReading(client: client, folder: folder)) { through, end in
                bar.show(Int(clamping: through), of: Int(clamping: end))
            }
        }
    }
}
