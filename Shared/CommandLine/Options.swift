public import ArgumentParser
public import EventSourcing
public import EventStoreClient
import Foundation
public import ServiceRuntime
import WireProtocol

/// The options of every service's `serve`.
public struct ServeOptions: ParsableArguments {
    /// The folder of the suite's state.
    @Option(help: "The folder of the suite's state (DAYBOOK_HOME).")
    public var home = Endpoints.home

    /// The endpoint that the service binds. If nil, the environment or the default under
    /// `home` applies.
    @Option(
        help: """
            The endpoint to listen at, ipc:// or tcp:// (DAYBOOK_LISTEN, or else the endpoint that \
            callers use, DAYBOOK_<SERVICE>_ENDPOINT).
            """)
    public var endpoint: String?

    /// The endpoint of the event store. If nil, the environment or the default under
    /// `home` applies.
    @Option(help: "The endpoint of the event store (DAYBOOK_EVENT_STORE_ENDPOINT).")
    public var eventStore: String?

    /// Creates the options. The argument parser sets their values.
    public init() {}

    /// Returns the configuration of a service, with its options for logs and metrics.
    ///
    /// - Throws: `ValidationError` or `DaybookError` for invalid options.
    public func configuration(
        of service: String, _ process: ProcessOptions
    ) throws -> ServiceConfiguration {
        ServiceConfiguration(
            home: home,
            endpoint: try Endpoints.reachable(
                endpoint ?? Endpoints.listening(of: service, home: home)),
            eventStoreEndpoint: try Endpoints.reachable(
                eventStore ?? Endpoints.eventStore(home: home)),
            metricsAddress: try process.metricsAddress(of: service, home: home),
            logger: try process.loggers())
    }
}

/// The value of the option `--timeout`, which every command has that waits for a process.
///
/// Not a group of options, because debug builds of the argument parser check each group five times
/// at each level of nesting.
public struct Timeout: Sendable {
    /// The help of the option.
    public static let help: ArgumentHelp =
        "How long to wait for an answer, in seconds (default: 30)."

    /// The given time in seconds, or nil for the default.
    public private(set) var given: Double?

    /// Creates the default.
    public init() {}

    /// Reads the value of the option.
    ///
    /// - Throws: `ValidationError` if it is not above 0 and below 10^9 seconds.
    public static func argument(_ text: String) throws -> Timeout {
        // Double takes hexadecimal numbers, too.
        guard let seconds = Double(text), seconds > 0, seconds < 1e9,
            !text.lowercased().contains("x")
        else {
            throw ValidationError("it must be above 0 and below 1000000000 seconds")
        }
        var timeout = Timeout()
        timeout.given = seconds
        return timeout
    }

    /// How long to wait for an answer, in seconds.
    public var seconds: Double {
        get { given ?? 30 }
        set { given = newValue }
    }

    /// How long to wait for an answer.
    public var duration: Duration { .seconds(seconds) }

    /// Returns the result of a computation, which ends early if a timeout was given and passes.
    ///
    /// Without a given timeout there is no limit, because a computation that makes progress may
    /// take long.
    ///
    /// - Throws: `unavailable` after the timeout.
    func limit<Result: Sendable>(
        _ compute: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        guard given != nil else { return try await compute() }
        let duration = duration
        return try await withThrowingTaskGroup(of: Result.self) { group in
            group.addTask { try await compute() }
            group.addTask {
                // The user does not want to wait longer.
                try await Task.sleep(for: duration)
                throw DaybookError(
                    .unavailable,
                    "the log was not read within \(duration); raise --timeout, or omit it")
            }
            defer { group.cancelAll() }
            for try await result in group { return result }
            throw CancellationError()
        }
    }
}

/// The options of every call to a service.
public struct CallOptions: ParsableArguments, Sendable {
    /// The folder of the suite's state.
    @Option(help: "The folder of the suite's state (DAYBOOK_HOME).")
    public var home = Endpoints.home

    /// The endpoint of the service. If nil, the environment or the default under
    /// `home` applies.
    @Option(help: "The endpoint of the service (DAYBOOK_<SERVICE>_ENDPOINT).")
    public var endpoint: String?

    /// How long to wait for an answer.
    @Option(name: .customLong("timeout"), help: Timeout.help, transform: Timeout.argument)
    public var timeoutOption = Timeout()

    /// Who gives the command: by default, the user and host of the process.
    @Option(help: "Who gives the command.")
    public var actor = CallOptions.user

    /// The trace that the command is part of. If nil, the environment or the default applies.
    @Option(
        help: "The W3C trace that the command is part of (TRACEPARENT).",
        transform: {
            try TraceParent($0).orInvalid("a traceparent is \(TraceParent.form), not '\($0)'")
        })
    public var traceparent: TraceParent?

    /// Whether the command prints JSON.
    @Flag(help: "Print JSON.")
    public var json = false

    /// The user and host of the process. The argument parser asks for each default many times.
    private static let user = "\(NSUserName())@\(ProcessInfo.processInfo.hostName)"

    /// Creates the options. The argument parser sets their values.
    public init() {}

    /// How long to wait for an answer, in seconds.
    public var timeout: Double {
        get { timeoutOption.seconds }
        set { timeoutOption.seconds = newValue }
    }

    /// How long to wait for an answer.
    public var timeoutDuration: Duration { timeoutOption.duration }

    /// Returns the result of `body`, which gets a client of a service that is closed afterwards.
    public func with<Result>(
        _ service: String, _ body: (ServiceClient) async throws -> Result
    ) async throws -> Result {
        // W3C's Trace Context requires programs to ignore a malformed TRACEPARENT, because the
        // caller that passed it on may not have created it.
        let traceparent =
            traceparent ?? Endpoints.environment("TRACEPARENT").flatMap(TraceParent.init)
        let endpoint = endpoint ?? Endpoints.endpoint(of: service, home: home)
        // The store has named the bus's endpoint, so the process runs and will bind it.
        if service != "event-store" {
            try await LocalSocket.check(endpoint, of: service, within: timeoutDuration)
        }
        let client = try await ServiceClient(
            endpoint: endpoint, of: service, timeout: timeoutDuration, actor: actor,
            traceparent: traceparent)
        return try await closing(client.close) { try await body(client) }
    }
}
