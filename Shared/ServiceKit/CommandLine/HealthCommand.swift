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
    public var lag = ServiceStatus.allowedLag

    public init() {}

    public func run() async throws {
        let status = try await options.with(Service.serviceName) { client in
            try await client.query("status", Nothing(), as: ServiceStatus.self)
        }
        if let fault = status.fault(lag: lag) {
            throw Problem(status: EX_UNAVAILABLE, fault)
        }
        if options.json { try Output.json(status) } else { print("healthy, at \(status.head)") }
    }
}

extension ServiceStatus {
    /// So many events may be still to come in what a healthy service shows.
    public static let allowedLag: UInt64 = 1000

    /// What keeps the service from being ready; nil if nothing does.
    public func fault(lag: UInt64 = allowedLag) -> String? {
        if let projection {
            if let reason = projection.stopped { return reason }
            if let ahead = projection.lead(over: head) { return ahead }
            let behind = head - min(projection.checkpoint, head)
            guard behind <= lag else { return "the projection is \(behind) events behind" }
        }
        if let participant, participant.state == .waiting {
            return "the participant waits for queue '\(participant.queue)'"
        }
        return nil
    }
}
