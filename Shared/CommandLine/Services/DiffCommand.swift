import ArgumentParser
import EventSourcing
import EventStoreClient
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

    /// The options for an answer without the service.
    @OptionGroup var log: LogOptions

    /// The id of the entity.
    @Argument(help: "The id of the entity.") var id: String

    /// Prints the difference.
    ///
    /// - Throws: `rejected` if the entity has no events by then.
    func run() async throws {
        let request = DifferenceRequest(id: id, from: from, to: to)
        let difference: Difference<S.Entity> = try await log.answer(of: S.self, options) {
            try await $0.query(DifferenceRequest.name, request)
        } offline: { past, _ in
            try await past.difference(request)
        }
        if options.json { try Output.json(difference) } else { try show(difference) }
    }

    private func show(_ difference: Difference<S.Entity>) throws {
        try Output.table(
            ["", "position \(difference.from)", "position \(difference.to)"],
            FieldChange.all(difference.before, difference.after).map {
                [$0.field, $0.before ?? "-", $0.after ?? "-"]
            })
        try Output.print("")
        try Output.table(
            ["position", "time", "event", "changed"],
            difference.events.map { step in
                [
                    "\(step.event.position)", "\(step.event.time)", step.event.type,
                    step.changes.map(\.description).joined(separator: ", "),
                ]
            })
    }
}
