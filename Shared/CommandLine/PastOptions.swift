public import ArgumentParser
import Bytes
public import EventSourcing
public import EventStoreClient
public import ServiceRuntime

/// When: what every command takes that can show what was.
public struct MomentOptions: ParsableArguments {
    @Option(
        help: "What was true at this time of commit: RFC 3339, such as 2026-01-31T12:00:00Z.",
        transform: Timestamp.argument)
    public var at: Timestamp?

    @Option(help: "What was true behind the event at this position of the log.")
    public var position: UInt64?

    public init() {}

    public func validate() throws {
        guard at == nil || position == nil else {
            throw ValidationError("--at and --position both say when: give one of them")
        }
        guard position != 0 else { throw ValidationError("--position is a position, from 1") }
    }

    /// Nil for now.
    public var moment: Moment? { at.map(Moment.time) ?? position.map(Moment.position) }
}

/// What every query takes.
public struct QueryOptions: ParsableArguments {
    @OptionGroup public var call: CallOptions
    @OptionGroup public var when: MomentOptions

    @Option(
        help: "As if this event, an id or a position, had not happened: hypothetical.",
        transform: EventReference.argument)
    public var without: EventReference?

    @Option(help: "Read this file, made by 'rebuild --into', without the service.")
    public var store: String?

    @Option(help: "Where the event store is, for what was (DAYBOOK_EVENT_STORE_ENDPOINT).")
    public var eventStore: String?

    public init() {}

    public func validate() throws {
        guard store == nil || (when.moment == nil && without == nil) else {
            throw ValidationError(
                "--store shows what is in the file: no --at, --position or --without with it")
        }
    }

    /// Prints the answer to the query: as JSON, or with `print` for people.
    ///
    /// The live state answers it, in the service; what was, or would be, comes from the log,
    /// whether the service runs or not.
    public func show<Service, Argument, Answer>(
        _ query: ServiceQuery<Service, Argument, Answer>, _ argument: Argument,
        _ print: (Answer) throws -> Void
    ) async throws {
        if let without {
            let answer = try await past(of: Service.self) { past, progress in
                try await past.hypothetical(
                    query, argument, without: without, asOf: when.moment, progress)
            }
            if call.json { try Output.json(answer) } else { try Output.show(answer, print) }
        } else {
            let answer = try await answer(query, argument)
            if call.json { try Output.json(answer) } else { try print(answer) }
        }
    }

    private func answer<Service, Argument, Answer>(
        _ query: ServiceQuery<Service, Argument, Answer>, _ argument: Argument
    ) async throws -> Answer {
        if let store { return try StoreFile<Service>(store).answer(query, argument) }
        guard let moment = when.moment else {
            return try await call.with(Service.serviceName) { service in
                try await service.query(query.name, argument)
            }
        }
        return try await past(of: Service.self) { past, progress in
            try await past.answer(query, argument, asOf: moment, progress)
        }
    }

    private func past<Service, Result>(
        of service: Service.Type,
        _ body: (PastReading<Service>, PastReading<Service>.Progress) async throws -> Result
    ) async throws -> Result {
        try await EventStoreConnection.with(eventStore, home: call.home) { client in
            var bar = ProgressBar("log", total: 0)
            defer { bar.end() }
            let folder = "\(call.home)/\(Service.serviceName)"
            return try await body(PastReading(client: client, folder: folder)) { through, end in
                bar.show(Int(clamping: through), of: Int(clamping: end))
            }
        }
    }
}

extension Timestamp {
    /// Reads the value of an option.
    public static func argument(_ text: String) throws -> Timestamp {
        guard let time = Timestamp(text) else {
            throw ValidationError("it is no RFC 3339 time, such as 2026-01-31T12:00:00Z")
        }
        return time
    }
}

extension Moment {
    /// Reads the value of an option.
    static func argument(_ text: String) throws -> Moment {
        guard let moment = Moment(text) else {
            throw ValidationError(
                "it is neither a position nor an RFC 3339 time, such as 2026-01-31T12:00:00Z")
        }
        return moment
    }
}

extension EventReference {
    /// Reads the value of an argument.
    static func argument(_ text: String) throws -> EventReference {
        guard let reference = EventReference(text) else {
            throw ValidationError("'\(text)' is neither an event's id nor a position")
        }
        return reference
    }
}

extension EventID {
    /// Reads the value of an option.
    public static func argument(_ text: String) throws -> EventID {
        guard let id = EventID(text) else {
            throw ValidationError("an id is a UUID, as in 'event-store read --json'")
        }
        return id
    }
}
