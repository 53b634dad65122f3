import ArgumentParser
import CommandLine
import EventStoreClient
import WireProtocol

struct Read: ProgramCommand {
    static let abstract = "Print the events of the log, one per line."

    @OptionGroup var store: StoreOptions
    @OptionGroup var filter: EventFilter
    @OptionGroup var window: TimeWindow
    @Option(help: "The position to start from (default: the first, or the last if --backwards).")
    var from: UInt64?
    @Option(help: "The largest number of events to print (default: no limit).")
    var limit: UInt64?
    @Flag(help: "Print the last event first.") var backwards = false
    @Flag(help: "Print CloudEvents, one JSON object per line.") var json = false

    func validate() throws { try Positions.check(from: from, limit: limit) }

    func run() async throws {
        let request = ReadRequest(
            try filter.query(), direction: backwards ? .backwards : .forwards,
            from: from ?? (backwards ? 0 : 1), since: window.since ?? .distantPast,
            before: window.until ?? .distantFuture, limit: limit ?? 0)
        try await store.withClient { client in
            let printer = EventPrinter(log: try await client.welcome().log, json: json)
            try await client.read(request) { try printer.print($0) }
        }
    }
}

/// Checks the positions and counts of a command line.
enum Positions {
    static func check(from: UInt64?, limit: UInt64? = nil) throws {
        try require(from != 0, "--from must be a position, from 1")
        try require(limit != 0, "--limit must be at least 1")
    }
}
