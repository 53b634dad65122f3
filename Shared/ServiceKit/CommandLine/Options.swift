public import ArgumentParser
import Foundation
public import Logging

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

    @Option(
        help: "The least level that is logged: \(ServeOptions.levels).",
        transform: ServeOptions.level)
    public var logLevel = Logger.Level.notice

    public init() {}

    public func endpoint(of service: String) -> String {
        endpoint ?? Endpoints.listening(of: service, home: home)
    }

    public var eventStoreEndpoint: String { eventStore ?? Endpoints.eventStore(home: home) }

    private static var levels: String {
        Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
    }

    private static func level(_ text: String) throws -> Logger.Level {
        guard let level = Logger.Level(rawValue: text) else {
            throw ValidationError("'\(text)' is none of \(levels)")
        }
        return level
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

    @Flag(help: "Print JSON.")
    public var json = false

    public init() {}

    public func validate() throws {
        guard timeout > 0, timeout < 1e9 else {
            throw ValidationError("--timeout is a number of seconds above 0, not \(timeout)")
        }
    }

    /// A client of `service`, closed behind `body`.
    public func with<Result>(
        _ service: String, _ body: (ServiceClient) async throws -> Result
    ) async throws -> Result {
        let client = try await ServiceClient(
            endpoint: endpoint ?? Endpoints.endpoint(of: service, home: home), of: service,
            timeout: .seconds(timeout), actor: actor)
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
