import Contracts
import EventSourcing
import WireProtocol

extension Documents {
    /// Returns an AsyncAPI 3 document of the feed. It has a channel for each topic, which is a type
    /// of event. Former types are included.
    static func asyncAPI(_ comments: DocComments) throws -> String {
        var (channels, operations, messages) = ("", "", "")
        for family in Contract.families {
            let category = family.categories[0]
            for payload in family.payloads {
                let summary = try required(comments.texts["\(payload)"], "\(payload)")
                channels += channel(payload.type, in: category, by: payload.writer)
                operations += operation(payload.type)
                messages += message(payload.type, summary)
            }
            for type in family.upcasters.types {
                let today = family.upcasters[type]?.targets.joined(separator: ", ") ?? ""
                channels += channel(type, in: category, by: nil)
                operations += operation(type)
                messages += message(
                    type, today.isEmpty ? "Means nothing today." : "Now \(today).")
            }
        }
        for type in AmendmentEventType.allCases.map(\.rawValue) {
            channels += channel(type, in: AmendmentEventType.category, by: "event-store")
            operations += operation(type)
            messages += message(type, try required(comments.texts[type], type))
        }
        return header + "channels:\n" + channels + "operations:\n" + operations
            + "components:\n  messages:\n" + messages
    }

    private static let header = """
        # Made from the contracts by scripts/contracts; a test holds it equal to them.
        asyncapi: 3.0.0
        info:
          title: Daybook's feed
          version: 1.0.0
          description: >-
            The event store publishes every committed event on a ZeroMQ XPUB socket: frame 1 is the
            topic, <category>.<type>, and frame 2 the record that docs/protocol.md specifies, whose
            data is the payload given here. The feed may lose messages; records carry the positions
            that show it, and the log has what is missing.
        defaultContentType: application/json
        servers:
          feed:
            host: data/feed.sock
            protocol: zmq
            description: The default; the store's welcome message tells the endpoint.

        """

    private static func channel(
        _ type: String, in category: String, by writer: String?
    ) -> String {
        """
          \(type):
            address: \(category).\(type)
            description: \(writer.map { "Written by \($0)." } ?? "No longer written.")
            messages:
              \(type):
                $ref: '#/components/messages/\(type)'

        """
    }

    private static func operation(_ type: String) -> String {
        """
          publish.\(type):
            action: send
            channel:
              $ref: '#/channels/\(type)'

        """
    }

    private static func message(_ type: String, _ summary: String) -> String {
        """
            \(type):
              name: \(type)
              summary: \(quoted(summary))
              payload:
                schemaFormat: application/schema+json;version=draft-2020-12
                schema:
                  $ref: ./schemas/\(type).json

        """
    }

    private static func quoted(_ text: String) -> String {
        "'" + text.replacing("'", with: "''") + "'"
    }
}
