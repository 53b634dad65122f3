import EventSourcing
import EventStoreClient
import ServiceRuntime
import Trace
import WireProtocol

/// What would follow from a reversal, as every service says.
struct Prospect: Encodable {
    var dryRun = true
    var events: [RehearsedEvent]
    /// By service.
    var changes: [String: [EntityChange]] = [:]
    /// Services that do not answer, so that what they would do is not known.
    var silent: [String] = []

    /// Asks `services` until none would append more.
    ///
    /// - Parameter owner: the one that would carry the reversal out.
    /// - Throws: what refuses the reversal.
    static func rehearse(
        _ reversal: ReverseEvent, by owner: String, among services: [String],
        _ options: CallOptions
    ) async throws -> Prospect {
        let first = try await ask(owner, Rehearsal(reversal: reversal), options)
        var prospect = Prospect(events: first.events)
        // One that is not there need not be waited for as long as one that is to do something.
        var options = options
        options.timeout = min(options.timeout, 5)
        var isComplete = false
        while !isComplete {
            isComplete = true
            for service in services where !prospect.silent.contains(service) {
                do {
                    let answer = try await ask(
                        service, Rehearsal(events: prospect.events), options)
                    prospect.events += answer.events
                    prospect.changes[service] = answer.changes
                    if !answer.events.isEmpty { isComplete = false }
                } catch let error as DaybookError where error.kind == .unavailable {
                    prospect.silent.append(service)
                }
            }
        }
        return prospect
    }

    private static func ask(
        _ service: String, _ rehearsal: Rehearsal, _ options: CallOptions
    ) async throws -> RehearsalAnswer {
        try await options.with(service) { try await $0.call(Rehearsal.name, rehearsal) }
    }

    /// - Parameter conversation: of the event.
    func print(
        _ record: RecordedEvent, in conversation: [RecordedEvent], json: Bool
    ) throws {
        if json { return try Output.json(self) }
        Swift.print("DRY RUN: \(record.type) at position \(record.position) is not reversed")
        Swift.print("\nwhat it has led to:")
        let tree = CausalTree(conversation).subtree(under: record.id)
        for line in tree?.lines(marking: record.id) ?? [] { Swift.print(line) }
        Swift.print("\nif it were reversed:")
        var types = Dictionary(events.map { ($0.id, $0.type) }) { first, _ in first }
        types[record.id] = record.type
        Output.table(
            ["service", "would append", "to stream", "because of"],
            events.map {
                [$0.service, $0.type, "\($0.stream)", types[$0.causationID] ?? "-"]
            })
        Swift.print()
        let changes = changes.sorted { $0.key < $1.key }
        Output.table(
            ["service", "would show", "field", "now", "then"],
            changes.flatMap { service, entities in
                entities.flatMap { entity in
                    entity.fields.map {
                        [service, entity.entity, $0.field, $0.before ?? "-", $0.after ?? "-"]
                    }
                }
            })
        for service in silent {
            Swift.print("\(service) does not answer: what it would do is not known")
        }
    }
}
