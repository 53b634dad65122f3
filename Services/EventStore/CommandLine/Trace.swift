import ArgumentParser
import CommandLine
import Contracts
import EventSourcing
import EventStoreClient
import Trace
import WireProtocol

struct Trace: ProgramCommand {
    static let abstract = "Show the events of a conversation, each under its cause."
    static let discussion = """
        ID is an event's id or position, which shows the conversation of the event. It may \
        also be a conversation's correlation id, or an order's id, which shows all \
        conversations that concern the order. The output includes dead letters and what \
        became of them. docs/trace.md explains it.
        """

    enum Format: String, CaseIterable, ExpressibleByArgument { case text, json, mermaid, svg }

    @OptionGroup var store: StoreOptions
    @OptionGroup var when: MomentOptions
    @Argument(help: "An event's id or position, a correlation id, or an order's id.")
    var id: String?
    @Option(help: "An order's id, even if it looks like a position or an event's id.")
    var order: String?
    @Option(help: "A tag that the events carry; all of them, if repeated.") var tag: [String] = []
    @Option(help: "The format: text, json, mermaid (a flowchart) or svg (a picture).")
    var format = Format.text
    @Flag(help: "Print JSON, like --format json.") var json = false

    func validate() throws {
        try require(
            [id != nil, order != nil, !tag.isEmpty].count(where: \.self) == 1,
            "give an ID, --order or --tag, and only one of them")
        try require(
            !json || [.text, .json].contains(format),
            "give --json or --format \(format.rawValue), but not both")
    }

    func run() async throws {
        try await store.withClient { client in
            let subject = try await subject(client)
            let events = try await client.conversations(of: subject.query, asOf: when.moment)
            let isThere =
                subject.event.map { id in events.contains { $0.id == id } } ?? !events.isEmpty
            let then = when.moment.map { " as of \($0)" } ?? ""
            try require(isThere, .invalid, subject.absence + then)
            try show(CausalTree(events, service: Self.service), marking: subject.event)
        }
    }

    private func show(_ tree: CausalTree, marking marked: EventID?) throws {
        switch json ? .json : format {
        case .text: try Output.print(lines: tree.lines(marking: marked))
        case .json: try Output.json(tree.json(marking: marked))
        case .mermaid: try show(text: tree.mermaid(marking: marked))
        case .svg: try show(text: tree.svg(marking: marked))
        }
    }

    private func show(text: String) throws {
        try Output.print(lines: text.split(separator: "\n").map(String.init))
    }

    // MARK: Subject

    /// The events that the command line asks for.
    private struct Subject {
        let query: EventQuery
        /// The error message if there are no such events.
        let absence: String
        var event: EventID?
    }

    private func subject(_ client: EventStoreClient) async throws -> Subject {
        if let order { return Self.order(order) }
        guard let id else {
            return Subject(
                query: .tags(tag), absence: "no event carries \(tag.joined(separator: ", "))")
        }
        if let id = EventID(id) {
            guard let event = try await client.event(id: id) else {
                return Subject(
                    query: .correlations([id]),
                    absence: "\(id) is neither an event's id nor a correlation id of this log; "
                        + "'event-store read --json' shows both")
            }
            return Self.conversation(of: event, named: "\(id)")
        }
        guard let position = UInt64(id) else { return Self.order(id) }
        let request = ReadRequest(from: position, to: position)
        if position > 0,
            let event = try await client.read(request).events.first(where: { _ in true })
        {
            return Self.conversation(of: event, named: "at position \(id)")
        }
        let head = try await client.welcome().head
        throw DaybookError(
            .invalid,
            "the log has no event at position \(id): it ends at \(head); "
                + "if \(id) is an order, use --order \(id)")
    }

    private static func conversation(of event: RecordedEvent, named name: String) -> Subject {
        Subject(
            query: .correlations([event.correlationID]), absence: "there was no event \(name)",
            event: event.id)
    }

    private static func order(_ id: String) -> Subject {
        Subject(
            query: .tags([Tag.order(id)]),
            absence: "no event concerns an order \(id); an event's id and a correlation id are "
                + "UUIDs, a position is a number")
    }

    /// Returns the service that writes events of this category and type.
    private static func service(_ event: RecordedEvent) -> String? {
        Contract.families.lazy.flatMap { $0.payloads }
            .first { $0.category == event.category && $0.type == event.type }?.writer
    }
}
