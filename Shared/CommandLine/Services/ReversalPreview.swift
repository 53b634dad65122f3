import EventSourcing
import EventStoreClient
import ServiceRuntime
import Trace

/// The consequences of a reversal that has not happened, collected from all services.
struct ReversalPreview: Encodable {
    /// Always true, so that no reader of the JSON takes the events for real ones.
    var dryRun = true
    /// The events that the services would append.
    var events: [RehearsedEvent]
    /// How the services' entities would change, by service.
    var changes: [String: [EntityChange]] = [:]
    /// The services that do not answer, whose consequences are unknown.
    var silent: [String] = []

    /// Returns the consequences of a reversal.
    ///
    /// Events of one service may cause events of another, so all services are asked again until
    /// none would append more.
    ///
    /// - Parameter owner: the service that would reverse the event.
    /// - Throws: `rejected` if the owner rejects the reversal.
    static func rehearse(
        _ reversal: ReverseEvent, by owner: String, among services: [String],
        _ options: CallOptions
    ) async throws -> ReversalPreview {
        let first = try await ask(owner, Rehearsal(reversal: reversal), options)
        var preview = ReversalPreview(events: first.events)
        // The other services need not answer for the result to be useful, so they get less time
        // than the owner.
        var options = options
        options.timeout = min(options.timeout, 5)
        var known: Int
        repeat {
            known = preview.events.count
            for service in services where !preview.silent.contains(service) {
                do {
                    let answer = try await ask(service, Rehearsal(events: preview.events), options)
                    preview.events += answer.events
                    preview.changes[service] = answer.changes
                } catch let error as any ClassifiedError where error.kind == .unavailable {
                    preview.silent.append(service)
                }
            }
        } while preview.events.count > known
        return preview
    }

    private static func ask(
        _ service: String, _ rehearsal: Rehearsal, _ options: CallOptions
    ) async throws -> RehearsalAnswer {
        try await options.with(service) { try await $0.call(Rehearsal.name, rehearsal) }
    }

    /// Prints the consequences, as JSON or for people.
    ///
    /// - Parameters:
    ///   - record: the event that would be reversed.
    ///   - conversation: the events of its conversation, in log order.
    func show(
        _ record: RecordedEvent, in conversation: [RecordedEvent], json: Bool
    ) throws {
        if json { return try Output.json(self) }
        try Output.print("DRY RUN: \(record.type) at position \(record.position) is not reversed")
        try Output.print("", "consequences so far:")
        let tree = CausalTree(conversation).subtree(under: record.id)
        try Output.print(lines: tree?.lines(marking: record.id) ?? [])
        try Output.print("", "if it were reversed:")
        var types = Dictionary(events.map { ($0.id, $0.type) }) { first, _ in first }
        types[record.id] = record.type
        try Output.table(
            ["service", "would append", "to stream", "because of"],
            events.map {
                [$0.service, $0.type, "\($0.stream)", types[$0.causationID] ?? "-"]
            })
        try Output.print("")
        let changes = changes.sorted { $0.key < $1.key }
        try Output.table(
            ["service", "would show", "field", "now", "then"],
            changes.flatMap { service, entities in
                entities.flatMap { entity in
                    entity.fields.map {
                        [service, entity.entity, $0.field, $0.before ?? "-", $0.after ?? "-"]
                    }
                }
            })
        for service in silent {
            try Output.print("\(service) does not answer, so its consequences are unknown")
        }
    }
}
