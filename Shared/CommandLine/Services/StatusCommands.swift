public import ArgumentParser
import EventSourcing
import EventStoreClient
import Foundation
public import ServiceRuntime
import WireProtocol

/// The `status` command of every service.
public struct Status<S: Service>: AsyncParsableCommand {
    /// The command's name and help.
    public static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "status", abstract: "Show the running service's progress and lag.")
    }

    /// The options for the call to the service.
    @OptionGroup public var options: CallOptions

    /// Creates the command. The argument parser sets its values.
    public init() {}

    /// Asks the service for its status and prints it.
    public func run() async throws {
        let status = try await options.with(S.name) { client in
            try await client.query("status", Nothing(), as: ServiceStatus.self)
        }
        if options.json { return try Output.json(status) }
        var fields = [
            ("service", status.service), ("process", "\(status.processID)"),
            ("since", "\(status.startedAt)"), ("log", "\(status.log)"), ("head", "\(status.head)"),
        ]
        if let projection = status.projection {
            let lag = status.head - min(projection.checkpoint, status.head)
            fields.append(("projection", "at \(projection.checkpoint), \(lag) behind"))
            fields.append(("store", projection.store))
            if let reason = projection.stopped { fields.append(("stopped", reason)) }
            if let rebuild = projection.rebuild, rebuild.isRunning {
                fields.append(("rebuild", "at \(rebuild.position) of \(rebuild.target)"))
            }
        }
        if let participant = status.participant {
            let state =
                switch participant.state {
                case .running: "running, \(participant.handled) events handled"
                case .waiting: "waiting for queue '\(participant.queue)'"
                }
            fields.append(("participant", state))
            if let failure = participant.lastFailure { fields.append(("last failure", failure)) }
        }
        Output.fields(fields)
    }
}
