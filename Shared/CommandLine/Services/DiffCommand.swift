public import ArgumentParser
public import EventSourcing
import EventStoreClient
public import ServiceRuntime

/// The `diff` command of every service that shows entities.
public struct Diff<S: EntityService>: AsyncParsableCommand {
    /// The command's name and help.
    public static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "diff",
            abstract: "Show an entity at two points in the log, and the events that changed it.")
    }

    /// The options for the call to the service.
    @OptionGroup public var options: CallOptions

    /// The point in the log to start from, or nil for the beginning.
    @Option(
        help: "Start after this position or time of commit (default: the beginning of the log).",
        transform: Moment.argument)
    public var from: Moment?

    /// The point in the log to end at, or nil for now.
    @Option(
        help: "End with this position or time of commit (default: now).",
        transform: Moment.argument)
    public var to: Moment?

    /// The endpoint of the event store, or nil for that in the environment or below the home.
    @Option(help: "The endpoint of the event store (DAYBOOK_EVENT_STORE_ENDPOINT).")
    public var eventStore: String?

    /// The id of the entity.
    @Argument(help: "The id of the entity.") public var id: String

    /// Creates the command. The argument parser sets its values.
    public init() {}

    /// Folds the entity's events from the log and prints the difference.
    ///
    /// - Throws: `rejected` if the entity has no events by then.
    public func run() async throws {
        let difference = try await EventStoreConnection.with(eventStore, home: options.home) {
            try await PastReading<S>(
                client: $0, folder: "\(options.home)/\(S.name)"
            ).difference(
                S.entity, id, from: from ?? .position(0), to: to)
        }
        guard difference.before != nil || !difference.steps.isEmpty else {
            throw DaybookError(
                .rejected, "\(id) has no events up to position \(difference.to)")
        }
        let report = Report(id, difference)
        if options.json { try Output.json(report) } else { report.print() }
    }

    private struct Report: Encodable {
        let id: String
        let from: UInt64
        let to: UInt64
        let before: S.Entity?
        let after: S.Entity?
        let events: [Step]

        struct Step: Encodable {
            let event: PastEvent
            let changes: [FieldChange]
        }

        init(_ id: String, _ difference: Difference<S.Entity>) {
            self.id = id
            (from, to) = (difference.from, difference.to)
            (before, after) = (difference.before, difference.after)
            var state = before
            events = difference.steps.map { step in
                defer { state = step.state }
                return Step(event: step.event, changes: FieldChange.changes(state, step.state))
            }
        }

        func print() {
            Output.table(
                ["", "position \(from)", "position \(to)"],
                FieldChange.all(before, after).map {
                    [$0.field, $0.before ?? "-", $0.after ?? "-"]
                })
            Swift.print()
            Output.table(
                ["position", "time", "event", "changed"],
                events.map { step in
                    [
                        "\(step.event.position)", "\(step.event.time)", step.event.type,
                        step.changes.map(\.description).joined(separator: ", "),
                    ]
                })
        }
    }
}
