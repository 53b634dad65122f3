public import ArgumentParser
public import EventSourcing
import Foundation

/// A service as its executable knows it: what its commands have in common.
public protocol NamedService: SendableMetatype {
    /// What it shows of the log.
    associatedtype Shown: Projection where Shown.Model: StoredModel

    static var serviceName: String { get }
}

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

/// `rebuild`, the same for every service.
public struct Rebuild<Service: NamedService>: AsyncParsableCommand {
    public static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "rebuild",
            abstract: "Build the projected store again from the log; the old one serves meanwhile.")
    }

    @OptionGroup public var options: CallOptions

    public init() {}

    public func run() async throws {
        let status = try await options.with(Service.serviceName, follow)
        if let reason = status.rebuild?.reason {
            throw Problem(
                status: EX_SOFTWARE, "the rebuild failed, the old store serves on: \(reason)")
        }
        if options.json { return try Output.json(status) }
        print("rebuilt up to position \(status.checkpoint)")
    }

    /// Asks until the rebuild, or the one under way that it joins, has ended. One that ended with
    /// its process is begun again by that.
    private func follow(_ client: ServiceClient) async throws -> ProjectionStatus {
        var id = EventID.random()
        var bar = ProgressBar("rebuild", total: 0)
        defer { bar.end() }
        let started = ContinuousClock.now
        var eventsAtFirst: Int?
        while true {
            let status: ProjectionStatus = try await client.query("rebuild", id)
            guard let rebuild = status.rebuild, rebuild.isRunning else { return status }
            id = rebuild.id
            // One that is joined has come some way already.
            let events = rebuild.events - (eventsAtFirst ?? rebuild.events)
            eventsAtFirst = rebuild.events - events
            let rate = Double(events) / ((ContinuousClock.now - started) / .seconds(1))
            bar.show(Int(rebuild.position), of: Int(rebuild.target), "\(Int(rate)) events/s")
            // The service is at work; ask again when it has come some way.
            try await Task.sleep(for: .milliseconds(100))
        }
    }
}
