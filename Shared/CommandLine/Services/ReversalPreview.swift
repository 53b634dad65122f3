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
    /// How the services' entities would change, by service. Empty unless `isSettled`, because the
    /// figures would be those of a moment in the middle of a saga.
    var changes: [String: [EntityChange]] = [:]
    /// The events in flight: those to which services have still to react.
    var inFlight: [UnhandledEvent] = []
    /// Whether nothing is in flight: no event is, none came while the services were asked, and all
    /// of them answered. Events may be in flight to a service that does not answer.
    var isSettled = false
    /// Why the reversal would be rejected in the end, or nil.
    var rejection: String?
    /// The services that do not answer, whose consequences are unknown.
    var silent: [String] = []

    /// Why the preview is not settled, for an error message.
    var obstacle: String {
        if let event = inFlight.first {
            return "\(event.service) has still not handled \(event.type) at position "
                + "\(event.position)"
        }
        guard !silent.isEmpty else { return "events are still in flight" }
        let verb = silent.count == 1 ? "does" : "do"
        return "\(silent.joined(separator: ", ")) \(verb) not answer, so events may be in flight"
    }

    /// How often all services are asked while events keep coming.
    private static let roundLimit = 10

    /// Returns the consequences of a reversal.
    ///
    /// Events of one service may cause events of another, so all services are asked again until
    /// none would append more, and until no event comes while they are asked.
    ///
    /// - Parameters:
    ///   - service: the service that would reverse the event.
    ///   - streams: the streams of the event's conversation.
    /// - Throws: `rejected` if the service rejects the reversal at once.
    static func rehearse<S: Service>(
        _ reversal: ReverseEvent, by service: S.Type, among services: [String],
        in streams: [StreamName], _ options: CallOptions
    ) async throws -> ReversalPreview {
        let first = try await ask(S.name, Rehearsal(reversal: reversal), options)
        var preview = ReversalPreview(events: first.events)
        // The other services need not answer for the result to be useful, so they get less time
        // than the owner.
        var options = options
        options.timeout = min(options.timeout, 5)
        var known: Int
        var answers: [String: RehearsalAnswer] = [:]
        var isStable = false
        var rounds = 0
        repeat {
            known = preview.events.count
            rounds += 1
            let rehearsal = Rehearsal(events: preview.events, streams: streams)
            let asked = services.filter { !preview.silent.contains($0) }
            for (service, answer) in try await ask(asked, rehearsal, options) {
                guard let answer else {
                    preview.silent.append(service)
                    continue
                }
                preview.events += answer.events
                preview.changes[service] = answer.changes
                answers[service] = answer
            }
            preview.inFlight = answers.values.compactMap(\.inFlight).joined()
                .sorted { $0.position < $1.position }
            isStable =
                preview.inFlight.isEmpty && Set(answers.values.compactMap(\.last)).count <= 1
            // While something is in flight, another round would find no more.
        } while preview.events.count > known
            || preview.inFlight.isEmpty && !isStable && rounds < Self.roundLimit
        preview.isSettled = isStable && preview.silent.isEmpty
        if !preview.isSettled { preview.changes = [:] }
        preview.rejection = try preview.rejection(of: reversal.event, by: S.Subject.self)
        return preview
    }

    /// Returns why an event of the preview rejects the reversal, or nil if none does.
    private func rejection<Subject: Reversible>(
        of event: EventID, by subject: Subject.Type
    ) throws -> String? {
        for rehearsed in events {
            guard let decoded = try rehearsed.decoded(Subject.Event.self),
                case .rejected(let reason) = Subject.outcome(ofReversing: event, in: decoded)
            else { continue }
            return reason
        }
        return nil
    }

    /// Returns the services' answers, in the order of the services; nil for each one that does not
    /// answer.
    ///
    /// Asks all at once: silent services cost one timeout, and not one each.
    private static func ask(
        _ services: [String], _ rehearsal: Rehearsal, _ options: CallOptions
    ) async throws -> [(service: String, answer: RehearsalAnswer?)] {
        try await withThrowingTaskGroup(of: (Int, RehearsalAnswer?).self) { group in
            for (index, service) in services.enumerated() {
                group.addTask {
                    do {
                        return (index, try await ask(service, rehearsal, options))
                    } catch let error as any ClassifiedError where error.kind == .unavailable {
                        return (index, nil)
                    }
                }
            }
            var answers: [RehearsalAnswer?] = Array(repeating: nil, count: services.count)
            for try await (index, answer) in group { answers[index] = answer }
            return Array(zip(services, answers))
        }
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
        try showFigures()
        for service in silent {
            try Output.print("\(service) does not answer, so its consequences are unknown")
        }
    }

    private func showFigures() throws {
        guard isSettled else {
            guard silent.isEmpty || !inFlight.isEmpty else {
                return try Output.print("events may be in flight, so no figures are shown:")
            }
            try Output.print(
                "events are in flight, so no figures are shown (wait for them with --wait):")
            return try Output.table(
                ["position", "event", "stream", "not yet handled by"],
                inFlight.map { ["\($0.position)", $0.type, "\($0.stream)", $0.service] })
        }
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
    }
}
