public import ArgumentParser
import EventSourcing
import EventStoreClient

/// Something that is shown field by field.
public protocol FieldView: Codable, Sendable {
    /// Names and values, for people; the same names in the same order for every one. Nil for what
    /// is not there.
    var fields: [(name: String, value: String?)] { get }
}

/// A service that shows entities by their ids.
public protocol EntityService: NamedService {
    associatedtype Entity: FieldView

    static var entity: ServiceQuery<Self, String, Entity> { get }
}

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
            try await PastReading<Service>(client: $0).difference(
                Service.entity, id, from: from ?? .position(0), to: to)
        }
        guard difference.before != nil || !difference.steps.isEmpty else {
            throw Refusal(
                description: "nothing had happened to \(id) by position \(difference.to)")
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
            let changes: [Change]
        }

        init(_ id: String, _ difference: Difference<Service.Entity>) {
            self.id = id
            (from, to) = (difference.from, difference.to)
            (before, after) = (difference.before, difference.after)
            var state = before
            events = difference.steps.map { step in
                defer { state = step.state }
                return Step(event: step.event, changes: Change.all(state, step.state))
            }
        }

        func print() {
            Output.table(
                ["", "position \(from)", "position \(to)"],
                Change.pairs(before, after).map { [$0.field, $0.before ?? "-", $0.after ?? "-"] })
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

/// What became of a field; nil where it was not there.
private struct Change: Encodable, CustomStringConvertible {
    let field: String
    let before: String?
    let after: String?

    var description: String { "\(field) \(before ?? "-") → \(after ?? "-")" }

    /// Every field.
    static func pairs(_ before: (some FieldView)?, _ after: (some FieldView)?) -> [Change] {
        let (old, new) = (before?.fields, after?.fields)
        let names = (old ?? new ?? []).map(\.name)
        return names.enumerated().map { index, name in
            Change(
                field: name, before: old.flatMap { $0[index].value },
                after: new.flatMap { $0[index].value })
        }
    }

    /// The fields that are not what they were.
    static func all(_ before: (some FieldView)?, _ after: (some FieldView)?) -> [Change] {
        pairs(before, after).filter { $0.before != $0.after }
    }
}
