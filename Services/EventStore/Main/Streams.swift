import ArgumentParser
import CommandLine
import EventStoreClient
import WireProtocol

struct Streams: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the streams, in the order in which they began.")

    @OptionGroup var store: StoreOptions
    @Option(help: "Of this category.") var category: String?
    @Option(help: "Those that began behind this position.") var after: UInt64 = 0
    @Option(help: "At most so many.") var limit: Int?
    @Flag(help: "Print JSON, a stream a line.") var json = false

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit is 1 or more, not \(limit)") }
    }

    func run() async throws {
        try await store.withClient { client in
            if !json { print("from\tto\tevents\tlast event\tstream") }
            var request = StreamsRequest(category: category, after: after)
            var left = limit ?? .max
            while left > 0 {
                request.limit = min(left, StreamsRequest.maximumLimit)
                let found = try await client.streams(request)
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
        print(
            "\(stream.first)\t\(stream.last)\t\(events)\t\(stream.changedAt)\t\(stream.stream)")
    }
}
