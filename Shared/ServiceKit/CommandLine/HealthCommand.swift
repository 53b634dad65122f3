public import ArgumentParser
import Foundation

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
    public var lag: UInt64 = 1000

    public init() {}

    public func run() async throws {
        let status = try await options.with(Service.serviceName) { client in
            try await client.query("status", Nothing(), as: ServiceStatus.self)
        }
        if let fault = Self.fault(in: status, lag: lag) {
            throw Problem(status: EX_UNAVAILABLE, fault)
        }
        if options.json { try Output.json(status) } else { print("healthy, at \(status.head)") }
    }

    /// What keeps the service from being ready; nil if nothing does.
    static func fault(in status: ServiceStatus, lag: UInt64) -> String? {
        if let projection = status.projection {
            if let reason = projection.stopped { return reason }
            let behind = status.head - min(projection.checkpoint, status.head)
            guard behind <= lag else { return "the projection is \(behind) events behind" }
        }
        if let participant = status.participant, participant.state == .waiting {
            return "the participant waits for queue '\(participant.queue)'"
        }
        return nil
    }
}
