import ArgumentParser
import EventSourcing
import ServiceRuntime

/// The `diff` command of every service that shows entities.
struct Diff<S: EntityService>: ProgramCommand {
    static var commandName: String? { "diff" }
    static var abstract: String {
        "Show an entity at two points in the log, and the events that changed it."
    }

    /// The options for the call to the service.
    @OptionGroup var options: CallOptions

    /// The point in the log to start from, or nil for the beginning.
    @Option(
        help: "Start after this position or time of commit (default: the beginning of the log).",
        transform: Moment.argument)
    var from: Moment?

    /// The point in the log to end at, or nil for now.
    @Option(
        help: "End with this position or time of commit (default: now).",
        transform: Moment.argument)
    var to: Moment?

    /// The endpoint of the event store. If nil, the environment or the default under
    /// `home` applies.
    @Option(help: "The endpoint of the event store (DAYBOOK_EVENT_STORE_ENDPOINT).")
    var eventStore: String?

    /// The id of the entity.
    @Argument(help: "The id of the entity.") var id: String

    /// Folds the entity's events from the log and prints the difference.
    ///
    /// - Throws: `rejected` if the entity has no events by then.
    func run() async throws {
        let difference = try await EventStoreConnection.with(eventStore, home: options.home) {
            let past = PastReading<S>(client: $0, folder: "\(options.home)/\(S.name)")
            return try await past.difference(S.entity, id, from: from ?? .position(0), to: to)
        }
        try require(
            difference.before != nil || !difference.steps.isEmpty, .rejected,
            "\(id) has no events up to position \(difference.to)")
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
