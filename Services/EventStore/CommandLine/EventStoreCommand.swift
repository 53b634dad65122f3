import ArgumentParser
public import CommandLine
import EventStoreClient
import WireProtocol

extension Executable {
    /// The `event-store` executable: the log, its bus, and the commands that use them.
    public static let eventStore = Executable("event-store", EventStoreCommand.self)
}

struct EventStoreCommand: ProgramCommand {
    static let commandName: String? = "event-store"
    static let abstract = "Keep a durable, append-only log of events, and publish it."
    static let subcommands: [any ParsableCommand.Type] = [
        Serve.self, Append.self, Amend.self, Read.self, Tail.self, Streams.self, Trace.self,
        Statistics.self, Health.self, Export.self, Import.self, Head.self, Verify.self,
        Restore.self, Rules.self, Queues.self, DeadLetters.self, Archives.self, Replays.self,
        Keys.self,
    ]
}

/// Options of commands that ask the event store: where it is, and how long they wait for it.
struct StoreOptions: ParsableArguments {
    /// The help of the options that `serve` has, too.
    static let homeHelp: ArgumentHelp = "The folder of the suite's state (DAYBOOK_HOME)."
    static let endpointHelp: ArgumentHelp =
        "The endpoint for requests, ipc:// or tcp:// (DAYBOOK_EVENT_STORE_ENDPOINT)."

    @Option(help: Self.homeHelp) var home = Endpoints.home
    @Option(help: Self.endpointHelp) var endpoint: String?
    @Option(name: .customLong("timeout"), help: Timeout.help, transform: Timeout.argument)
    var timeoutOption = Timeout()

    /// Runs `body` with a client of the store, and closes the client afterwards.
    func withClient<Result>(
        _ body: (EventStoreClient) async throws -> Result
    ) async throws -> Result {
        try await EventStoreConnection.with(
            endpoint, home: home, timeout: timeoutOption.duration, body)
    }
}
