import CommandLine
import EventSourcing
import EventStoreClient
import Foundation
import JSON
import WireProtocol

extension CallOptions {
    /// Prints the history of a rule or a queue: who changed what, and when.
    ///
    /// JSON output is the events of its stream. The table for people shows only the members that
    /// each event changed.
    func printHistory(_ category: String, _ name: String, of thing: String) async throws {
        let stream = try StreamName(category: category, id: name)
        try await withStore { client in
            let log = try await client.welcome(timeout: timeoutDuration).log
            var events: [RecordedEvent] = []
            try await client.read(ReadRequest(.stream(stream)), timeout: timeoutDuration) {
                events += $0
            }
            guard !events.isEmpty else {
                throw DaybookError(.invalid, "there never was a \(thing) '\(name)'")
            }
            if json { return try EventPrinter(log: log, json: true).print(events) }
            var definition: [String: JSONValue] = [:]
            let rows = try events.map { event in
                [
                    "\(event.position)", "\(event.time)", EventMetadata(of: event)?.actor ?? "-",
                    event.type, try Self.change(event, of: &definition),
                ]
            }
            Output.table(["position", "time", "by", "event", "what"], rows)
        }
    }

    /// Returns the members of the event that differ from `definition`, as JSON, and updates
    /// `definition`.
    private static func change(
        _ event: RecordedEvent, of definition: inout [String: JSONValue]
    ) throws -> String {
        let members = try JSON.decode([String: JSONValue].self, from: event.data)
        let changed = members.filter { definition[$0.key] != $0.value }
        definition.merge(members) { $1 }
        guard !changed.isEmpty else { return "" }
        return try JSON.text(changed)
    }
}
