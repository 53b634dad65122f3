public import ArgumentParser
public import EventSourcing
public import EventStoreClient
import Foundation
public import ServiceRuntime
import WireProtocol

/// What every `serve` takes.
public struct ServeOptions: ParsableArguments {
    @Option(help: "The folder of the suite's state (DAYBOOK_HOME).")
    public var home = Endpoints.home

    @Option(
        help: """
            Where to take requests, ipc:// or tcp:// (DAYBOOK_LISTEN, or else where callers look, \
            DAYBOOK_<SERVICE>_ENDPOINT).
            """)
    public var endpoint: String?

    @Option(help: "Where the event store is (DAYBOOK_EVENT_STORE_ENDPOINT).")
    public var eventStore: String?

    @OptionGroup public var process: ProcessOptions

    public init() {}

    /// The configuration of the service.
    public func configuration(of service: String) throws -> ServiceConfiguration {
        ServiceConfiguration(
            home: home, endpoint: endpoint ?? Endpoints.listening(of: service, home: home),
            eventStoreEndpoint: eventStore ?? Endpoints.eventStore(home: home),
            metricsAddress: try process.metricsAddress(of: service, home: home),
            logger: try process.loggers())
    }
}

extension ServiceHost {
    /// Connects to the event store, waiting for it if need be, and binds the service's endpoint.
    public init(_ name: String, options: ServeOptions) async throws {
        try await self.init(name, try options.configuration(of: name))
    }
}

/// What every command and query takes.
public struct CallOptions: ParsableArguments {
    @Option(help: "The folder of the suite's state (DAYBOOK_HOME).")
    public var home = Endpoints.home

    @Option(help: "Where the service is (DAYBOOK_<SERVICE>_ENDPOINT).")
    public var endpoint: String?

    @Option(help: "Give up after so many seconds.")
    public var timeout = 30.0

    @Option(help: "Who gives the command.")
    public var actor = "\(NSUserName())@\(ProcessInfo.processInfo.hostName)"

    @Option(
        help: "The W3C trace that the command is part of (TRACEPARENT).",
        transform: CallOptions.traceparent)
    public var traceparent: TraceParent?

    @Flag(help: "Print JSON.")
    public var json = false

    public init() {}

    public func validate() throws {
        guard timeout > 0, timeout < 1e9 else {
            throw ValidationError(
                "--timeout is above 0 and below 1000000000 seconds, not \(timeout)")
        }
    }

    /// The trace in the environment variable TRACEPARENT. A malformed value is ignored, as W3C's
    /// Trace Context requires, because whoever passed it on may not have made it.
    private static var traceparentOfEnvironment: TraceParent? {
        Endpoints.environment("TRACEPARENT").flatMap(TraceParent.init)
    }

    private static func traceparent(_ text: String) throws -> TraceParent {
        guard let found = TraceParent(text) else {
            throw ValidationError("a traceparent is \(TraceParent.form), not '\(text)'")
        }
        return found
    }

    /// A client of `service`, closed behind `body`.
    public func with<Result>(
        _ service: String, _ body: (ServiceClient) async throws -> Result
    ) async throws -> Result {
        let client = try await ServiceClient(
            endpoint: endpoint ?? Endpoints.endpoint(of: service, home: home), of: service,
            timeout: .seconds(timeout), actor: actor,
            traceparent: traceparent ?? Self.traceparentOfEnvironment)
        do {
            let result = try await body(client)
            await client.close()
            return result
        } catch {
            await client.close()
            throw error
        }
    }
}
