import Contracts
import EventSourcing
import Foundation
import JSON
import WireProtocol

/// The documents that are made from the contracts, for people and for other languages.
enum Documents {
    static func all() throws -> [String: String] {
        let comments = try DocComments()
        var documents = try [
            "docs/events.md": eventTable(comments), "docs/asyncapi.yaml": asyncAPI(comments),
        ]
        for payload in Contract.families.flatMap({ $0.payloads }) {
            documents["docs/schemas/\(payload.type).json"] = try schema(of: payload, comments)
        }
        return documents
    }

    // MARK: Schemas

    static func schema(
        of payload: any EventPayload.Type, _ comments: DocComments
    ) throws -> String {
        var reader = SchemaReader()
        let (schema, _) = try read(payload, with: &reader)
        func json(_ schema: Schema, _ name: String) -> [String: Any] {
            var json = schema.json { comments.texts["\(name).\($0)"] }
            json["description"] = comments.texts[name]
            return json
        }
        var document = json(schema, "\(payload)")
        document["$schema"] = "https://json-schema.org/draft/2020-12/schema"
        document["title"] = payload.type
        if !reader.definitions.isEmpty {
            document["$defs"] = Dictionary(
                uniqueKeysWithValues: reader.definitions.map { ($0, json($1, $0)) })
        }
        let data = try JSONSerialization.data(
            withJSONObject: document,
            options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
        return String(decoding: data, as: UTF8.self) + "\n"
    }

    static func example(of payload: any EventPayload.Type) throws -> any EventPayload {
        var reader = SchemaReader()
        return try read(payload, with: &reader).1
    }

    private static func read<Payload: EventPayload>(
        _ payload: Payload.Type, with reader: inout SchemaReader
    ) throws -> (Schema, any EventPayload) {
        let (schema, example) = try reader.read(payload)
        return (schema, example)
    }

    // MARK: The table of events

    private static func eventTable(_ comments: DocComments) throws -> String {
        var text = """
            # Events

            What the services tell each other. `scripts/contracts` makes this page from the
            contracts, and a test holds it equal to them. An event's data is JSON, by the schema
            that its type links to; [asyncapi.yaml](asyncapi.yaml) describes the feed that brings
            them, and [evolution.md](evolution.md) how they change. Nothing is ever taken out of
            the log: what happened is reversed by what happens next, as the last column says. What
            reverses an event has the tag `reverses:<event>`, of its id, and other events have not.

            """
        for family in Contract.families {
            text += "\n## \(family.categories[0])\n\n"
            text += try required(comments.texts["\(family)"], "\(family)") + "\n\n"
            text += "| type | what happened | tags | written by | reversed by |\n"
            text += "|---|---|---|---|---|\n"
            for payload in family.payloads {
                text += try row(payload, family.upcasters, comments)
            }
        }
        return text + (try amendmentTable(comments))
    }

    /// Returns the table of the events about amendments, which the event store appends.
    private static func amendmentTable(_ comments: DocComments) throws -> String {
        var text = """

            ## \(AmendmentEventType.category)

            How an event is read, in stream `$amendment-<id of the event>` ([amend.md](amend.md)).

            | type | what happened | tags | written by | reversed by |
            |---|---|---|---|---|

            """
        for type in AmendmentEventType.allCases {
            let name = type.rawValue
            let reversal: AmendmentEventType =
                type == .eventAmended ? .amendmentUndone : .eventAmended
            let cells = [
                "[\(name)](schemas/\(name).json)", try required(comments.texts[name], name),
                "those of the event", "event-store", reversal.rawValue,
            ]
            text += "| " + cells.joined(separator: " | ") + " |\n"
        }
        return text
    }

    private static func row(
        _ payload: any EventPayload.Type, _ upcasters: Upcasters, _ comments: DocComments
    ) throws -> String {
        var name = "[\(payload.type)](schemas/\(payload.type).json)"
        let former = upcasters.sources(of: [payload.type]).dropFirst()
            .map { "[\($0)](schemas/\($0).json)" }
        if !former.isEmpty { name += ", once " + former.joined(separator: ", ") }
        let reversal =
            switch payload.reversal {
            case .by(let types): types.map { $0.type }.joined(separator: " or ")
            case .withItsOrder(let types):
                types.map { $0.type }.joined(separator: " or ") + ", when its order is reversed"
            case .none(let reason): "nothing: \(reason)"
            }
        let cells = [
            name, try required(comments.texts["\(payload)"], "\(payload)"),
            try example(of: payload).tags.map { "`\($0)`" }.joined(separator: " ")
                .replacing(EventID.none.description, with: "<event>"),
            payload.writer, reversal,
        ]
        return "| " + cells.joined(separator: " | ") + " |\n"
    }

    struct NoComment: Error {
        let type: String
    }

    static func required(_ text: String?, _ type: String) throws -> String {
        guard let text else { throw NoComment(type: type) }
        return text
    }
}
