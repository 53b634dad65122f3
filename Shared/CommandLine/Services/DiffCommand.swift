public import ArgumentParser
public import EventSourcing
import EventStoreClient
public import ServiceRuntime

/// `diff`, the same for every service that shows entities.
public struct Diff<Service: EntityService>: AsyncParsableCommand {
    public static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "diff",
            abstract: "Show what it was, what it came to, and which events changed what.")
    }

    @OptionGroup public var options: CallOptions

    @Option(
        help: "Behind this position, or at this time of commit; without it, from the beginning.",
        transform: Moment.argument)
    public var from: Moment?

    @Option(help: "Up to this position or time; without it, up to now.", transform: Moment.argument)
    public var to: Moment?

    @Option(help: "Where the event store is (DAYBOOK_EVENT_STORE_ENDPOINT).")
    public var eventStore: String?

    @Argument(help: "Its id.") public var id: String

    public init() {}

    public func run() async throws {
        let difference = try await EventStoreConnection.with(eventStore, home: options.home) {
            try await PastReading<Service>(
                client: $0, folder: "\(options.home)/\(Service.serviceName)"
            ).difference(
                Service.entity, id, from: from ?? .position(0), to: to)
        }
        guard difference.before != nil || !difference.steps.isEmpty else {
            throw DaybookError(
                .rejected, "nothing had happened to \(id) by position \(difference.to)")
        }
        let report = Report(id, difference)
        if options.json { try Output.json(report) } else { report.print() }
    }

    private struct Report: Encodable {
        let id: String
        let from: UInt64
        let to: UInt64
        let before: Service.Entity?
        let after: Service.Entity?
        let events: [Step]

        struct Step: Encodable {
            let event: PastEvent
            let changes: [FieldChange]
        }

        init(_ id: String, _ difference: Difference<Service.Entity>) {
            self.id = id
            (from, to) = (difference.from, difference.to)
            (before, after) = (difference.before, difference.after)
            var state = before
            events = difference.steps.map { step in
                defer { state = step.state }
                return Step(event: step.event, changes: FieldChange.all(state, step.state))
            }
        }

        func print() {
            Output.table(
                ["", "position \(from)", "position \(to)"],
                FieldChange.pairs(before, after).map {
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
