public import ArgumentParser
public import EventSourcing
public import EventStoreClient
public import ServiceRuntime

/// `reverse`, the same for every service whose events can be reversed.
public struct Reverse<Service: NamedService>: AsyncParsableCommand
where Service.Subject: Reversible {
    public static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "reverse",
            abstract: "Undo an event by what happens next: the log keeps both.",
            discussion: """
                What undoes it is decided on as any command is, and refused if it would break what \
                always holds. An event of an order's saga is undone with its order, by the saga. \
                With --dry-run nothing is done: it shows what the event has led to, what every \
                service would do, and what would become of what it shows.
                """)
    }

    @OptionGroup public var options: CallOptions

    @Option(help: "Why, for the trail.") public var reason: String

    @Flag(help: "Only show what would follow.") public var dryRun = false

    @Option(help: "Where the event store is (DAYBOOK_EVENT_STORE_ENDPOINT).")
    public var eventStore: String?

    @Argument(
        help: "The event: its id, or its position in the log.", transform: EventReference.argument)
    public var event: EventReference

    public init() {}

    public func validate() throws {
        guard !reason.isEmpty else { throw ValidationError("--reason says why in a few words") }
    }

    public func run() async throws {
        let (record, conversation) = try await EventStoreConnection.with(
            eventStore, home: options.home
        ) { client in
            let record = try await client.event(event)
            let query = EventQuery([.init(correlations: [record.correlationID])])
            return (record, dryRun ? try await client.conversations(of: query) : [])
        }
        let command = ReverseEvent(event: record.id, reason: reason)
        guard !dryRun else {
            let prospect = try await Prospect.rehearse(
                command, by: Service.serviceName, among: Service.Subject.Event.services, options)
            return try prospect.print(record, in: conversation, json: options.json)
        }
        let reply = try await options.with(Service.serviceName) {
            try await $0.command(ReverseEvent.name, command)
        }
        try Output.reply(
            reply, json: options.json, "reversed \(record.type) at position \(record.position)")
    }
}
