import CallServer
import EventSourcing
import Foundation
import JSON
import Observability
import WireProtocol

/// How long a rehearsal may take, in seconds. Those who ask for one wait for 5 seconds.
private let rehearsalLimit = 5.0

extension ServiceHost {
    /// Answers calls that reverse events of the service, or rehearse a reversal.
    func answerReversals() async {
        let (repository, participant) = (repository, participant)
        let (past, queries) = (past, pastQueries)
        await server.handle(ReverseEvent.name) { data, caller in
            try caller.checkCommand(to: S.name)
            let request = try JSON.argument(CommandRequest<ReverseEvent>.self, data)
            let cause = try request.cause(of: ReverseEvent.name, at: S.name, from: caller)
            try cause.checkDeadline(at: .now())
            let (outcome, conversation) = try await repository.reverse(
                request.command, by: S.name, cause)
            return try JSON.data(CommandReply(outcome, correlationID: conversation))
        }
        await server.handle(Rehearsal.name) { data, caller in
            try caller.checkRead()
            let rehearsal = try JSON.argument(Rehearsal.self, data)
            if let reversal = rehearsal.reversal {
                return try JSON.data(
                    RehearsalAnswer(events: try await repository.rehearse(reversal, by: S.name)))
            }
            // Looked for before the figures are computed: an event that is handled meanwhile is
            // reported, although the figures already include it.
            let streams = Set(rehearsal.events.map(\.stream) + (rehearsal.streams ?? []))
            let unhandled = try await participant?.unhandled(in: streams)
            let events = try await participant?.rehearse(rehearsal.events) ?? []
            guard let service = S.self as? any EntityService.Type else {
                return try JSON.data(
                    RehearsalAnswer(
                        events: events, inFlight: unhandled?.events, last: unhandled?.last))
            }
            return try await queries.answer(
                Rehearsal.name, data, id: nil, of: caller, within: rehearsalLimit
            ) {
                try JSON.data(
                    RehearsalAnswer(
                        events: events,
                        changes: try await past.changes(of: service, after: rehearsal.events),
                        inFlight: unhandled?.events, last: unhandled?.last))
            }
        }
    }
}

extension PastReading {
    /// Returns how the entities of `service`, which is this one, would change if `events` happened.
    fileprivate func changes<Entities: EntityService>(
        of service: Entities.Type, after events: [RehearsedEvent]
    ) async throws -> [EntityChange] {
        let past = PastReading<Entities>(client: client, folder: folder)
        let ids = Set(
            events.map(\.stream).filter { $0.category == S.Subject.category }.map(\.id))
        var changes: [EntityChange] = []
        for id in ids.sorted() {
            let (now, then) = try await past.compare(Entities.entity, id, after: events)
            let fields = FieldChange.changes(now, then)
            if !fields.isEmpty { changes.append(EntityChange(entity: id, fields: fields)) }
        }
        return changes
    }
}
