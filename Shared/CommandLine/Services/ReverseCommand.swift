import ArgumentParser
import EventSourcing
import EventStoreClient
import ServiceRuntime
import WireProtocol

/// The `reverse` command of every service.
struct Reverse<S: Service>: ProgramCommand {
    static var commandName: String? { "reverse" }
    static var abstract: String { "Undo an event by appending another. The log keeps both." }
    static var discussion: String {
        """
        The service decides on the reversal as on any command, and rejects it if it would \
        break an invariant. To undo a step of an order's saga, reverse the placing or \
        confirmation of the order. The saga then undoes all its steps. With --dry-run, the \
        command appends nothing. It shows the consequences of the event so far, the events \
        that every service would append, and how its entities would change.
        """
    }

    /// The options for the call to the service, and the id of the command.
    @OptionGroup var options: CommandOptions

    /// Why the event is reversed, for the audit trail.
    @Option(help: "The reason, for the audit trail.") var reason: String

    /// Whether the command only shows the consequences of the reversal.
    @Flag(help: "Only show the consequences of the reversal.") var dryRun = false

    /// The endpoint of the event store. If nil, the environment or the default under
    /// `home` applies.
    @Option(help: "The endpoint of the event store (DAYBOOK_EVENT_STORE_ENDPOINT).")
    var eventStore: String?

    /// The event to reverse.
    @Argument(
        help: "The id of the event, or its position in the log.",
        transform: EventReference.argument)
    var event: EventReference

    /// Checks that the reason is not empty.
    func validate() throws { try require(!reason.isEmpty, "--reason must not be empty") }

    /// Reverses the event, or shows the consequences of its reversal.
    ///
    /// - Throws: `rejected` if there is no such event or the service rejects the reversal.
    func run() async throws {
        let (record, conversation) = try await EventStoreConnection.with(
            eventStore, home: options.call.home, timeout: options.call.timeoutDuration
        ) { client in
            let record = try await client.event(event)
            let query = EventQuery([.init(correlations: [record.correlationID])])
            return (record, dryRun ? try await client.conversations(of: query) : [])
        }
        let command = ReverseEvent(event: record.id, reason: reason)
        guard !dryRun else {
            let preview = try await ReversalPreview.rehearse(
                command, by: S.name,
                among: Endpoints.services(home: options.call.home).keys.sorted(),
                options.call)
            return try preview.show(record, in: conversation, json: options.call.json)
        }
        try await options.command(
            ReverseEvent.name, command, to: S.name,
            "reversed \(record.type) at position \(record.position)")
    }
}
