import CallServer
import EventSourcing
import EventStoreClient
import Foundation
import JSON
import WireProtocol

extension Bus {
    /// Registers the handlers of all calls.
    func answerCalls() async {
        await define(BusCall.putRule) { (rule: RuleDefinition) in .putRule(rule) }
        await define(BusCall.setRuleEnabled) { (change: SetRuleEnabled) in .setRuleEnabled(change) }
        await define(BusCall.deleteRule) { (name: String) in .deleteRule(name) }
        await define(BusCall.putQueue) { (queue: QueueDefinition) in .putQueue(queue) }
        await define(BusCall.setQueuePaused) { (change: SetQueuePaused) in .setQueuePaused(change) }
        await define(BusCall.purgeQueue) { (name: String) in .purgeQueue(name) }
        await define(BusCall.deleteQueue) { (name: String) in .deleteQueue(name) }
        await define(BusCall.startReplay) { (replay: ReplayDefinition) in .startReplay(replay) }
        await define(BusCall.setReplayPaused) { (change: SetReplayPaused) in
            .setReplayPaused(change)
        }
        await define(BusCall.cancelReplay) { (name: String) in .cancelReplay(name) }
        await define(BusCall.deleteArchive) { (name: String) in .deleteArchive(name) }
        await server.command(BusCall.redrive) { (request: EndDeadLetters, cause) in
            try await self.end(request, .deadLetterRedriven, cause)
        }
        await server.command(BusCall.discard) { (request: EndDeadLetters, cause) in
            try await self.end(request, .deadLetterDiscarded, cause)
        }
        await answerReplayCalls()
        await answerArchiveCalls()
        await server.query(BusCall.rules) { (_: Nothing, atLeast) in
            try await self.ruleViews(atLeast: atLeast)
        }
        await server.query(BusCall.queues) { (_: Nothing, atLeast) in
            try await self.queueViews(atLeast: atLeast)
        }
        await server.query(BusCall.deadLetters) { (request: DeadLettersRequest, atLeast) in
            try await self.deadLetterViews(request, atLeast: atLeast)
        }
        await server.handle(BusCall.receive) { data, caller in
            let request = try JSON.argument(ReceiveRequest.self, data)
            try caller.checkQueue(request.queue)
            return Data(try await self.receive(request))
        }
        await server.handle(BusCall.acknowledge) { data, caller in
            Data(try await self.acknowledge(Array(data), caller))
        }
        await server.handle(BusCall.release) { data, caller in
            let request = try JSON.argument(ReleaseRequest.self, data)
            try caller.checkQueue(request.queue)
            let count = try await self.release(request)
            return try JSON.data(count)
        }
    }

    /// Registers the handler of a call that is one command on the definitions.
    private func define<Value: Codable & Sendable>(
        _ call: String, _ command: @escaping @Sendable (Value) -> Definitions.Command
    ) async {
        await server.command(call) { (value: Value, cause) in
            try await self.execute(command(value), cause)
        }
    }

    // MARK: Dead letters

    /// Ends the selected dead letters. Each gets its own event, with the tags and in the
    /// conversation of the dead event.
    private func end(
        _ request: EndDeadLetters, _ type: BusEventType, _ cause: Cause
    ) async throws -> Outcome {
        guard type != .deadLetterDiscarded || request.reason?.isEmpty == false else {
            throw DaybookError(.invalid, "a discard needs a reason")
        }
        var outcome = Outcome.nothing
        var after: UInt64 = 0
        while true {
            try await stored()
            let page = DeadLettersRequest(request.selection, after: after, limit: Self.page)
            let letters = try await store.deadLetters(page)
            guard let last = letters.last else { break }
            after = last.id
            let ended = try await end(letters, request, type, cause)
            guard case .appended(_, let types) = outcome else {
                outcome = .appended(ended, types: letters.map { _ in type.rawValue })
                continue
            }
            outcome = .appended(ended, types: types + letters.map { _ in type.rawValue })
        }
        guard case .appended(let appended, _) = outcome else {
            if let outcome = try await earlierOutcome(of: cause) { return outcome }
            if let id = request.selection.ids?.first {
                throw ProtocolError(.notFound, "there is no dead letter \(id)")
            }
            return .nothing
        }
        try await routed(through: appended.last)
        return outcome
    }

    private static let page = 100

    private func end(
        _ letters: [DeadLetterRow], _ request: EndDeadLetters, _ type: BusEventType,
        _ cause: Cause
    ) async throws -> Appended {
        if type == .deadLetterRedriven,
            let missing = letters.first(where: { queues[$0.letter.queue] == nil })
        {
            throw ProtocolError(
                .notFound, "there is no queue '\(missing.letter.queue)' to redrive to; create one")
        }
        let events = try await events(at: letters.map(\.letter.position))
        let ends = try letters.map { row in
            let event = events[row.letter.position]
            let data = DeadLetterEnd(
                queue: row.letter.queue, deadLetter: row.id, position: row.letter.position,
                reason: request.reason)
            return NewEvent(
                id: cause.key.derived("\(type.rawValue)/\(row.id)"),
                stream: try StreamName(category: BusCategory.deadLetter, id: row.letter.queue),
                type: type.rawValue, tags: event?.tags ?? [],
                correlationID: event?.correlationID, causationID: row.letter.event,
                metadata: try EventMetadata(cause).encoded(),
                data: try JSON.encode(data))
        }
        return try await client.append(ends)
    }
}
