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

    /// The options for logs and metrics.
    @OptionGroup public var process: ProcessOptions

    /// Creates the options. The argument parser sets their values.
    public init() {}

    /// Returns the configuration of a service.
    ///
    /// - Throws: `ValidationError` for invalid options.
    public func configuration(of service: String) throws -> ServiceConfiguration {
        ServiceConfiguration(
            home: home, endpoint: endpoint ?? Endpoints.listening(of: service, home: home),
            eventStoreEndpoint: eventStore ?? Endpoints.eventStore(home: home),
            metricsAddress: try process.metricsAddress(of: service, home: home),
            logger: try process.loggers())
    }
}

/// The options of every call to a service.
public struct CallOptions: ParsableArguments {
    /// The folder of the suite's state.
    @Option(help: "The folder of the suite's state (DAYBOOK_HOME).")
    public var home = Endpoints.home

    /// The endpoint of the service. If nil, the environment or the default under
    /// `home` applies.
    @Option(help: "The endpoint of the service (DAYBOOK_<SERVICE>_ENDPOINT).")
    public var endpoint: String?

    /// How long to wait for an answer, in seconds.
    @Option(help: "How long to wait for an answer, in seconds.")
    public var timeout = 30.0

    /// Who gives the command: by default, the user and host of the process.
    @Option(help: "Who gives the command.")
    public var actor = "\(NSUserName())@\(ProcessInfo.processInfo.hostName)"

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

    /// Creates the options. The argument parser sets their values.
    public init() {}

    /// Checks that the timeout is above 0 and below 10^9 seconds.
    public func validate() throws {
        try require(
            timeout > 0 && timeout < 1e9,
            "--timeout must be above 0 and below 1000000000 seconds, not \(timeout)")
    }

    /// Returns the result of `body`, which gets a client of a service that is closed afterwards.
    public func with<Result>(
        _ service: String, _ body: (ServiceClient) async throws -> Result
    ) async throws -> Result {
        // W3C's Trace Context requires programs to ignore a malformed TRACEPARENT, because the
        // caller that passed it on may not have created it.
        let traceparent =
            traceparent ?? Endpoints.environment("TRACEPARENT").flatMap(TraceParent.init)
        let client = try await ServiceClient(
            endpoint: endpoint ?? Endpoints.endpoint(of: service, home: home), of: service,
            timeout: .seconds(timeout), actor: actor, traceparent: traceparent)
        return try await closing(client.close) { try await body(client) }
    }
}
