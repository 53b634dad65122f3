import ArgumentParser
import EventStoreClient
import WireProtocol

struct Read: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the events of the log, one a line.")

    @OptionGroup var store: StoreOptions
    @OptionGroup var filter: EventFilter
    @OptionGroup var window: TimeWindow
    @Option(help: "From this position on; with --backwards, back from it.") var from: UInt64?
    @Option(help: "At most so many.") var limit: UInt64?
    @Flag(help: "The last one first.") var backwards = false
    @Flag(help: "Print CloudEvents, a JSON object a line.") var json = false

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

/// What positions and counts on the command line may be.
enum Positions {
    static func check(from: UInt64?, limit: UInt64? = nil) throws {
        guard from != 0 else { throw ValidationError("--from is a position, from 1") }
        guard limit != 0 else { throw ValidationError("--limit is at least 1") }
    }
}
