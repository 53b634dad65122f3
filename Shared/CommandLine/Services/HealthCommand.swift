public import ArgumentParser
import EventSourcing
import EventStoreClient
import Foundation
public import ServiceRuntime
import WireProtocol

/// The `health` command of every service, for process supervisors.
public struct Health<S: Service>: AsyncParsableCommand {
    /// The command's name and help.
    public static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "health",
            abstract: "Exit with 0 if the service is ready and up to date, or else say why not.",
            discussion: """
                A service is ready if it answers, its projection has not stopped and is up to \
                date, and its participant takes part in sagas. Otherwise the exit status is 69.
                """)
    }

    /// The options for the call to the service.
    @OptionGroup public var options: CallOptions

    /// How many events the read model may lag and still be healthy.
    @Option(help: "How many events the read model may lag and still be healthy.")
    public var lag = ServiceStatus.allowedLag

    /// Creates the command. The argument parser sets its values.
    public init() {}

    /// Asks the service for its status and checks it.
    ///
    /// - Throws: `unavailable`, with the reason, if the service is not ready.
    public func run() async throws {
        let status = try await options.with(S.name) { client in
            try await client.query("status", Nothing(), as: ServiceStatus.self)
        }
        if let fault = status.fault(lag: lag) {
            throw DaybookError(.unavailable, fault)
        }
        if options.json { try Output.json(status) } else { print("healthy, at \(status.head)") }
    }
}
