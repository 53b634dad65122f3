import ArgumentParser
import EventSourcing
import EventStoreClient
import Foundation
import ServiceRuntime
import WireProtocol

/// The `rebuild` command of every service.
struct Rebuild<S: Service>: ProgramCommand {
    static var commandName: String? { "rebuild" }
    static var abstract: String {
        "Rebuild the read model from the log while the old one answers queries."
    }
    static var discussion: String {
        """
        With --into, the command builds a read model in a new file, as of now or of any \
        earlier time. The service need not run and does not change. Its queries open the \
        file with --store. An interrupted rebuild resumes where it stopped.

        Events that can't be read stop the entities that they may belong to. The command \
        rebuilds everything else, names the events, and exits with status 65.
        """
    }

    /// The options for the call to the service.
    @OptionGroup var options: CallOptions

    /// The path of a new file for the read model, or nil to rebuild the running service's.
    @Option(help: "The new file for the read model.") var into: String?

    /// The point in the log whose state is built, or nil for now.
    @Option(
        help: "Build the state at this position of the log, or this time of commit (RFC 3339).",
        transform: Moment.argument)
    var until: Moment?

    /// The endpoint of the event store. If nil, the environment or the default under
    /// `home` applies.
    @Option(help: "The endpoint of the event store, for --into (DAYBOOK_EVENT_STORE_ENDPOINT).")
    var eventStore: String?

    /// Checks that `--until` comes with `--into`.
    func validate() throws {
        try require(
            until == nil || into != nil,
            "--until needs --into: the running service shows the latest state")
    }

    /// Builds the new file, or has the service rebuild its read model and waits for that.
    ///
    /// - Throws: `internal` if the service's rebuild fails, `invalid` if the file exists,
    ///   `unreadable` after a rebuild without the events that can't be read.
    func run() async throws {
        if let into { return try await build(into) }
        let status = try await options.with(S.name, follow)
        if let reason = status.rebuild?.reason {
            throw DaybookError(
                .internal, "the rebuild failed, the old read model stays in use: \(reason)")
        }
        if options.json {
            try Output.json(status)
        } else {
            try Output.print("rebuilt up to position \(status.checkpoint)")
        }
        try Output.check(status.degraded, of: S.name)
    }

    /// Starts a rebuild, or joins a running one, and returns the status after its end.
    ///
    /// If the process stops meanwhile, the next one resumes the rebuild under another id.
    private func follow(_ client: ServiceClient) async throws -> ProjectionStatus {
        var id = EventID.random()
        var bar = ProgressBar("rebuild", total: 0)
        defer { bar.end() }
        while true {
            let status: ProjectionStatus = try await client.query("rebuild", id)
            guard let rebuild = status.rebuild, rebuild.isRunning else { return status }
            id = rebuild.id
            bar.show(Int(clamping: rebuild.position), of: Int(clamping: rebuild.target))
            // The service does not report progress by itself, so it is asked again.
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    private func build(_ file: String) async throws {
        try require(
            !FileManager.default.fileExists(atPath: file), .invalid,
            "\(file) exists already; --into must name a new file")
        let built = try await EventStoreConnection.with(
            eventStore, home: options.home, timeout: options.timeoutDuration
        ) { client in
            let store = try await client.welcome()
            let end = try await client.position(of: until ?? .position(store.head))
            // With history, an unfinished file of another time may hold other events.
            let isResumable = store.history == nil || until?.isPosition ?? true
            var fresh: Rebuilding<S.ReadProjection>
            do {
                fresh = try await Rebuilding(
                    at: file + ".part", log: store.log, from: client,
                    notBeyond: isResumable ? end : 0)
            } catch let error as DaybookError where error.kind != .damaged {
                throw DaybookError(.invalid, "can't create \(file): \(error)")
            }
            var bar = ProgressBar("rebuild", total: Int(clamping: end))
            defer { bar.end() }
            try await fresh.extend(to: end, asOf: until, from: client) {
                bar.show(Int(clamping: $0.position))
            }
            let isCurrent = try await fresh.isCurrent(client)
            try require(
                isCurrent, .unavailable,
                "an event was amended during the rebuild; run the command again")
            try fresh.finish(as: file)
            return Built(file: file, position: end, degraded: fresh.degradation)
        }
        if options.json {
            try Output.json(built)
        } else {
            try Output.print("built \(file) as of position \(built.position)")
        }
        try Output.check(built.degraded, of: S.name)
    }

    private struct Built: Encodable {
        let file: String
        let position: UInt64
        let degraded: Degradation?
    }
}
