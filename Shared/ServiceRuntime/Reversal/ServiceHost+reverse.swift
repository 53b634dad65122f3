public import EventSourcing
import Foundation
import JSON
import WireProtocol

extension ServiceHost {
    /// Answers calls that reverse events of `service` or rehearse a reversal.
    ///
    /// Call it after ``participate(_:through:)``. Otherwise rehearsals lack the events that the
    /// service's saga participant would append.
    public func answerReversals<Service: NamedService>(
        of service: Service.Type, through repository: Repository<Service.Subject>
    ) async where Service.Subject: Reversible {
        await answerReversals(of: service, through: repository) { _ in [] }
    }

    /// Answers calls that reverse events of `service` or rehearse a reversal, and rehearses how the
    /// service's entities would change.
    ///
    /// Call it after ``participate(_:through:)``. Otherwise rehearsals lack the events that the
    /// service's saga participant would append.
    public func answerReversals<Service: EntityService>(
        of service: Service.Type, through repository: Repository<Service.Subject>
    ) async where Service.Subject: Reversible {
        let past = PastReading<Service>(client: client, folder: folder)
        await answerReversals(of: service, through: repository) { events in
            let ids = Set(
                events.map(\.stream).filter { $0.category == Service.Subject.category }.map(\.id))
            var changes: [EntityChange] = []
            for id in ids.sorted() {
                let (now, then) = try await past.prospect(Service.entity, id, after: events)
                let fields = FieldChange.changes(now, then)
                if !fields.isEmpty { changes.append(EntityChange(entity: id, fields: fields)) }
            }
            return changes
        }
    }

    private func answerReversals<Service: NamedService>(
        of service: Service.Type, through repository: Repository<Service.Subject>,
        changes: @escaping @Sendable ([RehearsedEvent]) async throws -> [EntityChange]
    ) async where Service.Subject: Reversible {
        let name = Service.serviceName
        await handle(ReverseEvent.name) { data, caller in
            try caller.checkCommand(to: name)
            let request = try JSON.argument(CommandRequest<ReverseEvent>.self, data)
            let (outcome, conversation) = try await repository.reverse(
                request.command, by: name, request.cause(from: caller))
            return try JSON.data(
                CommandReply(outcome, correlationID: conversation))
        }
        let follow = rehearse
        await handle(Rehearsal.name) { data, caller in
            try caller.checkRead()
            let rehearsal = try JSON.argument(Rehearsal.self, data)
            var answer = RehearsalAnswer()
            if let reversal = rehearsal.reversal {
                answer.events = try await repository.rehearse(reversal, by: name)
            } else {
                answer.events = try await follow?(rehearsal.events) ?? []
                answer.changes = try await changes(rehearsal.events)
            }
            return try JSON.data(answer)
        }
    }
}
