import ArgumentParser
import CommandLine
import EventSourcing

/// Which events: the same options for every command that reads.
struct EventFilter: ParsableArguments {
    @Option(help: "Of this stream; of any of them, if repeated.") var stream: [String] = []
    @Option(help: "Of this category; of any of them, if repeated.") var category: [String] = []
    @Option(help: "Of this type; of any of them, if repeated.") var type: [String] = []
    @Option(help: "With this tag; with all of them, if repeated.") var tag: [String] = []
    @Option(
        help: "In this conversation, by its correlation id; in any of them, if repeated.",
        transform: EventID.argument)
    var correlation: [EventID] = []

    func query() throws -> EventQuery {
        let item = EventQuery.Item(
            streams: try stream.map { try StreamName($0) }, categories: category, types: type,
            tags: tag, correlations: correlation)
        return item.isUnconditional ? .all : EventQuery([item])
    }
}

/// When the events were committed.
struct TimeWindow: ParsableArguments {
    @Option(
        help: "Committed at this time or later; RFC 3339, such as 2026-01-31T12:00:00Z.",
        transform: Timestamp.argument)
    var since: Timestamp?

    @Option(help: "Committed before this time; RFC 3339.", transform: Timestamp.argument)
    var until: Timestamp?

    func validate() throws {
        guard let since, let until, since >= until else { return }
        throw ValidationError("--since \(since) is not before --until \(until)")
    }
}
