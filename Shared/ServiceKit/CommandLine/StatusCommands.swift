public import ArgumentParser

/// A service that has the common commands.
public protocol NamedService {
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
        }
        if let participant = status.participant {
            let lag = status.head - min(participant.checkpoint, status.head)
            let halted = participant.halted.map { ", halted: \($0)" } ?? ""
            fields.append(("participant", "at \(participant.checkpoint), \(lag) behind\(halted)"))
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
        let status = try await options.with(Service.serviceName) { client in
            try await client.query("rebuild", Nothing(), as: ProjectionStatus.self)
        }
        if options.json { return try Output.json(status) }
        print("rebuilt up to position \(status.checkpoint)")
    }
}
