import ArgumentParser
import EventSourcing
import EventStoreClient
import Foundation
import WireProtocol
import ZeroMQ

@main struct EventStoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "event-store",
        abstract: "Keeps a durable, append-only log of events, and publishes it.",
        subcommands: [Serve.self, Append.self, Read.self, Verify.self])

    /// Parses, runs, and exits: 64 for usage, 65 for data, 69 when the store can't be reached.
    static func main() async {
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            guard let status = exitStatus(of: error) else { exit(withError: error) }
            FileHandle.standardError.write(Data("event-store: \(error)\n".utf8))
            Foundation.exit(status)
        }
    }

    /// Nil for what the argument parser itself reports.
    private static func exitStatus(of error: any Error) -> Int32? {
        switch error {
        case is Unavailable: EX_UNAVAILABLE
        case let error as ProtocolError: error.code == .unavailable ? EX_UNAVAILABLE : EX_DATAERR
        case is NameError, is RecordError: EX_DATAERR
        case let error as any DataProblem: error.status
        case is ZeroMQError: EX_UNAVAILABLE
        default: nil
        }
    }
}

/// A problem of a command's own, with the status it exits with.
protocol DataProblem: Error, CustomStringConvertible { var status: Int32 { get } }

struct Problem: DataProblem {
    let status: Int32
    let description: String
}

/// Where the store is.
struct StoreOptions: ParsableArguments {
    @Option(help: "The folder of the suite's state (DAYBOOK_HOME).")
    var home = ProcessInfo.processInfo.environment["DAYBOOK_HOME"] ?? "data"

    @Option(help: "The endpoint for requests; ipc:// or tcp:// (DAYBOOK_EVENT_STORE).")
    var endpoint: String?

    var requestEndpoint: String {
        endpoint ?? ProcessInfo.processInfo.environment["DAYBOOK_EVENT_STORE"]
            ?? "ipc://\(home)/event-store.sock"
    }

    /// Runs `body` with a client, which is closed behind it.
    func withClient(_ body: (EventStoreClient) async throws -> Void) async throws {
        let client = try await EventStoreClient(
            endpoint: requestEndpoint, on: SocketLoop(name: "client"), in: Context())
        do {
            try await body(client)
        } catch {
            await client.close()
            throw error
        }
        await client.close()
    }
}
