import CallServer
import EventSourcing
import Foundation
import JSON
import WireProtocol

extension ServiceHost {
    /// Answers calls that reverse events of the service, or rehearse a reversal.
    func answerReversals() async {
        let (repository, participant, past) = (repository, participant, past)
        await server.handle(ReverseEvent.name) { data, caller in
            try caller.checkCommand(to: S.name)
            let request = try JSON.argument(CommandRequest<ReverseEvent>.self, data)
            let (outcome, conversation) = try await repository.reverse(
                request.command, by: S.name, request.cause(from: caller))
            return try JSON.data(CommandReply(outcome, correlationID: conversation))
        }
        await server.handle(Rehearsal.name) { data, caller in
            try caller.checkRead()
            let rehearsal = try JSON.argument(Rehearsal.self, data)
            var answer = RehearsalAnswer()
            if let reversal = rehearsal.reversal {
                answer.events = try await repository.rehearse(reversal, by: S.name)
            } else {
                answer.events = try await participant?.rehearse(rehearsal.events) ?? []
                if let service = S.self as? any EntityService.Type {
                    answer.changes = try await past.changes(of: service, after: rehearsal.events)
                }
            }
            return try JSON.data(answer)
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
