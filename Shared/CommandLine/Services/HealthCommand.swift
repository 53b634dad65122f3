public import ArgumentParser
import EventSourcing
import EventStoreClient
import Foundation
public import ServiceRuntime
import WireProtocol

/// `health`, the same for every service: for whoever watches over the process.
public struct Health<Service: NamedService>: AsyncParsableCommand {
    public static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "health",
            abstract: "Exit with 0 if the service is ready and up to date, else say why not.",
            discussion: """
                It is if it answers, its projection has not stopped and is up to date, and it \
                takes its part in sagas. Otherwise the exit status is 69.
                """)
    }

    @OptionGroup public var options: CallOptions

    @Option(help: "So many events may be still to come in what it shows.")
    public var lag = ServiceStatus.allowedLag

    public init() {}

    public func run() async throws {
        let status = try await options.with(Service.serviceName) { client in
            try await client.query("status", Nothing(), as: ServiceStatus.self)
        }
        if let fault = status.fault(lag: lag) {
            throw DaybookError(.unavailable, fault)
        }
        if options.json { try Output.json(status) } else { print("healthy, at \(status.head)") }
    }
}
