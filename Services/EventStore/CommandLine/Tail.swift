import ArgumentParser
import CommandLine
import EventSourcing
import EventStoreClient
import ServiceRuntime
import WireProtocol

struct Tail: ProgramCommand {
    static let abstract =
        "Print events as they are committed, one per line, until SIGTERM or SIGINT."
    static let discussion = "Prints every event once and in order, even if the store is restarted."

    @OptionGroup var store: StoreOptions
    @OptionGroup var filter: EventFilter
    @Option(help: "The position to start from (default: the next event).") var from: UInt64?
    @Option(help: "How many events that are already in the log to start with.") var last: UInt64?
    @Option(help: "The time of commit to start from; RFC 3339.", transform: Timestamp.argument)
    var since: Timestamp?
    @Option(help: "How many events to print before stopping (default: no limit).")
    var limit: UInt64?
    @Flag(help: "Print CloudEvents, one JSON object per line.") var json = false

    func validate() throws {
        try Positions.check(from: from, limit: limit)
        try require(
            [from != nil, last != nil, since != nil].count(where: { $0 }) < 2,
            "give only one of --from, --last and --since")
    }

    func run() async throws {
        endOnSignalWhileStarting()
        let (query, json, limit) = (try filter.query(), json, limit)
        let (from, last, since) = (from, last, since)
        try await store.withClient { client in
            try await untilSignalled {
                let welcome = try await client.welcome()
                let start =
                    if let from { from - 1 } else if let last {
                        try await client.position(beforeLast: last, of: query)
                    } else if let since {
                        try await client.position(beforeFirstSince: since)
                    } else { welcome.head }
                let printer = EventPrinter(log: welcome.log, json: json)
                let subscription = try await client.subscribe(
                    query, after: .position(start),
                    onUnavailable: { Output.printError("event-store: \($0); waiting for it") })
                var left = limit ?? .max
                while left > 0 {
                    let events = try await subscription.next().events
                    try printer.print(events.prefix(Int(clamping: left)))
                    left -= min(left, UInt64(events.count))
                }
            }
        }
    }
}
