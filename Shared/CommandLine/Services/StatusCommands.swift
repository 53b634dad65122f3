public import ArgumentParser
import EventSourcing
import EventStoreClient
import Foundation
public import ServiceRuntime
import WireProtocol

/// `status`, the same for every service.
public struct Status<Service: NamedService>: AsyncParsableCommand {
    public static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "status", abstract: "Show how far the running service has come.")
    }

    @OptionGroup public var options: CallOptions

    public init() {}

    public func run() async throws {
        let status = try await options.with(Service.serviceName) { client in
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
