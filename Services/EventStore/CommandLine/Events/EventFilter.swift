import ArgumentParser
import CommandLine
import EventSourcing

/// Options that select events, shared by every command that reads the log.
struct EventFilter: ParsableArguments {
    @Option(help: "A stream that the events belong to; any of them, if repeated.")
    var stream: [String] = []
    @Option(help: "A category that the events belong to; any of them, if repeated.")
    var category: [String] = []
    @Option(help: "A type that the events have; any of them, if repeated.")
    var type: [String] = []
    @Option(help: "A tag that the events have; all of them, if repeated.") var tag: [String] = []
    @Option(
        help: "A correlation id that the events have; any of them, if repeated.",
        transform: EventID.argument)
    var correlation: [EventID] = []

    /// Returns the query for the events that all of the options select.
    func query() throws -> EventQuery {
        let item = EventQuery.Item(
            streams: try stream.map { try StreamName($0) }, categories: category, types: type,
            tags: tag, correlations: correlation)
        return item.isUnconditional ? .all : EventQuery([item])
    }
}

/// Options that select events by the time of their commit, or by the original time of history.
struct TimeWindow: ParsableArguments {
    @Option(
        help: "The earliest time of the events; RFC 3339, such as 2026-01-31T12:00:00Z.",
        transform: Timestamp.argument)
    var since: Timestamp?

    @Option(
        help: "The time before which the events happened; RFC 3339.",
        transform: Timestamp.argument)
    var until: Timestamp?

    func validate() throws {
        guard let since, let until, since >= until else { return }
        throw ValidationError("--since \(since) is not before --until \(until)")
    }
}
