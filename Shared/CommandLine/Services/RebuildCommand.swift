public import ArgumentParser
import Bytes
public import EventSourcing
import EventStoreClient
import Foundation
public import ServiceRuntime
import WireProtocol

/// `rebuild`, the same for every service.
public struct Rebuild<Service: NamedService>: AsyncParsableCommand {
    public static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "rebuild",
            abstract: "Build the projected store again from the log; the old one serves meanwhile.",
            discussion: """
                With --into it is built in a file of its own, as of now or of any time: the \
                service, running or not, is not touched, and its queries open the file with \
                --store. What was broken off goes on where it was.
                """)
    }

    @OptionGroup public var options: CallOptions

    @Option(help: "Into this new file.") public var into: String?

    @Option(
        help: "As of this position of the log, or this time of commit (RFC 3339).",
        transform: Moment.argument)
    public var until: Moment?

    @Option(help: "Where the event store is, with --into (DAYBOOK_EVENT_STORE_ENDPOINT).")
    public var eventStore: String?

    public init() {}

    public func validate() throws {
        guard until == nil || into != nil else {
            throw ValidationError("--until goes with --into: the running service shows what is now")
        }
    }

    public func run() async throws {
        if let into { return try await build(into) }
        let status = try await options.with(Service.serviceName, follow)
        if let reason = status.rebuild?.reason {
            throw DaybookError(
                .internal, "the rebuild failed, the old store serves on: \(reason)")
        }
        if options.json { return try Output.json(status) }
        print("rebuilt up to position \(status.checkpoint)")
    }

    /// Asks until the rebuild, or the one under way that it joins, has ended. One that ended with
    /// its process goes on with the next.
    private func follow(_ client: ServiceClient) async throws -> ProjectionStatus {
        var id = EventID.random()
        var bar = ProgressBar("rebuild", total: 0)
        defer { bar.end() }
        while true {
            let status: ProjectionStatus = try await client.query("rebuild", id)
            guard let rebuild = status.rebuild, rebuild.isRunning else { return status }
            id = rebuild.id
            bar.show(Int(clamping: rebuild.position), of: Int(clamping: rebuild.target))
            // The service is at work; ask again when it has come some way.
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    private func build(_ file: String) async throws {
        guard !FileManager.default.fileExists(atPath: file) else {
            throw DaybookError(.invalid, "\(file) is there already; --into makes a new file")
        }
        let built = try await EventStoreConnection.with(eventStore, home: options.home) { client in
            let store = try await client.welcome()
            let end = try await client.position(of: until ?? .position(store.head))
            var fresh = try await begin(file, store.log, notBeyond: end)
            var bar = ProgressBar("rebuild", total: Int(clamping: end))
            defer { bar.end() }
            try await fresh.extend(to: end, from: client) {
                bar.show(Int(clamping: $0.position))
            }
            try fresh.finish(as: file)
            return Built(file: file, position: end)
        }
        if options.json { return try Output.json(built) }
        print("built \(file) as of position \(built.position)")
    }

    private func begin(
        _ file: String, _ log: EventID, notBeyond end: UInt64
    ) async throws -> Rebuilding<Service.Shown> {
        do {
            return try await Rebuilding(at: file + ".part", log: log, notBeyond: end)
        } catch let error as DaybookError where error.kind != .damaged {
            throw DaybookError(.invalid, "can't make \(file): \(error)")
        }
    }

    private struct Built: Encodable {
        let file: String
        let position: UInt64
    }
}
