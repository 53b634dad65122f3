import ArgumentParser
import CommandLine
import EventSourcing
import EventStoreClient
import WireProtocol

struct Streams: ProgramCommand {
    static let abstract = "List the streams in the order of their first events."

    @OptionGroup var store: StoreOptions
    @Option(help: "The category of the streams (default: all).") var category: String?
    @Option(help: "The position after which the streams began.") var after: UInt64 = 0
    @Option(help: "The largest number of streams to list (default: no limit).") var limit: Int?
    @Flag(help: "Print JSON, one stream per line.") var json = false

    func validate() throws {
        try require(limit ?? 1 >= 1, "--limit must be at least 1, not \(limit ?? 0)")
    }

    func run() async throws {
        try await store.withClient { client in
            var hasHeader = json
            var request = StreamsRequest(category: category, after: after)
            var left = limit ?? .max
            while left > 0 {
                request.limit = min(left, StreamsRequest.maximumLimit)
                let found = try await client.streams(request)
                if !hasHeader {
                    try Output.print(tabbed: "from", "to", "events", "last event", "stream")
                    hasHeader = true
                }
                for stream in found { try show(stream) }
                guard let last = found.last, found.count == request.limit else { return }
                request.after = last.first
                left -= found.count
            }
        }
    }

    private func show(_ stream: StreamEntry) throws {
        guard !json else { return try Output.json(stream) }
        let events = stream.revision.addingReportingOverflow(1).partialValue
        try Output.print(
            tabbed: stream.first, stream.last, events, stream.changedAt, stream.stream)
    }
}
