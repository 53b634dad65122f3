import ArgumentParser
import EventSourcing
import EventStoreClient
import ServiceRuntime
import WireProtocol

/// The `status` command of every service.
struct Status<S: Service>: ProgramCommand {
    static var commandName: String? { "status" }
    static var abstract: String { "Show the running service's progress and lag." }

    /// The options for the call to the service.
    @OptionGroup var options: CallOptions

    /// Asks the service for its status and prints it.
    func run() async throws {
        let status = try await options.with(S.name) { client in
            try await client.query("status", Nothing(), as: ServiceStatus.self)
        }
        if options.json { return try Output.json(status) }
        var fields: [Output.Field] = [
            ("service", status.service), ("process", status.processID),
            ("since", status.startedAt), ("log", status.log), ("head", status.head),
        ]
        if let projection = status.projection {
            let lag = status.head - min(projection.checkpoint, status.head)
            fields.append(("projection", "at \(projection.checkpoint), \(lag) behind"))
            fields.append(("store", projection.store))
            if let degraded = projection.degraded {
                fields.append(("degraded", degraded.summary))
                fields += degraded.lines.map { ("unreadable", $0) }
            }
            if let amended = projection.amendedEvents { fields.append(("amended events", amended)) }
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
        try Output.fields(fields)
    }
}

/// The `health` command of every service, for process supervisors.
struct Health<S: Service>: ProgramCommand {
    static var commandName: String? { "health" }
    static var abstract: String {
        "Exit with 0 if the service is ready and up to date, or else say why not."
    }
    static var discussion: String {
        """
        A service is ready if it answers, its projection is up to date, and its participant \
        takes part in sagas. Otherwise the exit status is 69. A ready service is degraded if \
        entities have stopped at events that it can't read. The status names the events.
        """
    }

    /// The options for the call to the service.
    @OptionGroup var options: CallOptions

    /// How many events the read model may lag and still be healthy.
    @Option(help: "How many events the read model may lag and still be healthy.")
    var lag = ServiceStatus.allowedLag

    /// Asks the service for its status and checks it.
    ///
    /// - Throws: `unavailable`, with the reason, if the service is not ready.
    func run() async throws {
        let status = try await options.with(S.name) { client in
            try await client.query("status", Nothing(), as: ServiceStatus.self)
        }
        if let fault = status.fault(lag: lag) {
            throw DaybookError(.unavailable, fault)
        }
        if options.json { return try Output.json(status) }
        let degraded = status.projection?.degraded.map { ", but degraded: \($0.summary)" } ?? ""
        try Output.print("healthy, at \(status.head)\(degraded)")
    }
}
