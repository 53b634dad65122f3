import CallServer
import EventPattern
import EventSourcing
import EventStoreClient
import Foundation
import JSON
import WireProtocol

extension Bus {
    /// Registers the handlers of all calls.
    func answerCalls() async {
        await server.command(BusCall.putRule) { (rule: RuleDefinition, cause) in
            try await self.put(rule, cause)
        }
        await server.command(BusCall.setRuleEnabled) { (change: SetRuleEnabled, cause) in
            try await self.set(change, cause)
        }
        await server.command(BusCall.deleteRule) { (name: String, cause) in
            try await self.deleteRule(name, cause)
        }
        await server.command(BusCall.putQueue) { (queue: QueueDefinition, cause) in
            try await self.put(queue, cause)
        }
        await server.command(BusCall.setQueuePaused) { (change: SetQueuePaused, cause) in
            try await self.set(change, cause)
        }
        await server.command(BusCall.purgeQueue) { (name: String, cause) in
            try await self.change(name, .queuePurged, cause)
        }
        await server.command(BusCall.deleteQueue) { (name: String, cause) in
            try await self.change(name, .queueDeleted, cause)
        }
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

    // MARK: Rules

    private func put(_ rule: RuleDefinition, _ cause: Cause) async throws -> Outcome {
        if let fault = rule.fault { throw DaybookError(.invalid, fault) }
        try checkUnmanaged(rule: rule.name)
        _ = try EventPattern(rule.pattern)
        if let missing = rule.targets.first(where: { queues[$0] == nil }) {
            throw ProtocolError(
                .notFound, "there is no target queue '\(missing)'; create it first")
        }
        guard rules.rules[rule.name]?.definition != rule else { return .nothing }
        return try await append(BusCategory.rule, rule.name, .rulePut, rule, cause)
    }

    private func set(_ change: SetRuleEnabled, _ cause: Cause) async throws -> Outcome {
        var rule = try rule(change.name).definition
        guard rule.isEnabled != change.isEnabled else { return .nothing }
        rule.isEnabled = change.isEnabled
        return try await append(BusCategory.rule, rule.name, .rulePut, rule, cause)
    }

    private func deleteRule(_ name: String, _ cause: Cause) async throws -> Outcome {
        if let position = try await earlierEffect(of: cause) {
            return .repeated(position: position)
        }
        _ = try rule(name)
        return try await append(BusCategory.rule, name, .ruleDeleted, Nothing(), cause)
    }

    func rule(_ name: String) throws -> Rule {
        guard let rule = rules.rules[name] else {
            try checkUnmanaged(rule: name)
            throw ProtocolError(.notFound, "there is no rule '\(name)'")
        }
        return rule
    }

    // MARK: Queues

    private func put(_ definition: QueueDefinition, _ cause: Cause) async throws -> Outcome {
        if let fault = definition.fault { throw DaybookError(.invalid, fault) }
        if let row = queues[definition.name]?.row {
            let known = row.definition
            guard known != definition else { return .nothing }
            guard known.grouping == definition.grouping,
                known.start == definition.start || row.phase == .unstarted
            else {
                throw DaybookError(
                    .rejected,
                    "queue '\(known.name)' has grouping \(known.grouping) and start "
                        + "\(known.start), which can't be changed; delete it, or create another")
            }
        }
        return try await append(BusCategory.queue, definition.name, .queuePut, definition, cause)
    }

    private func set(_ change: SetQueuePaused, _ cause: Cause) async throws -> Outcome {
        guard try queue(change.name).row.isPaused != change.isPaused else { return .nothing }
        return try await self.change(
            change.name, change.isPaused ? .queuePaused : .queueResumed, cause)
    }

    private func change(
        _ name: String, _ type: BusEventType, _ cause: Cause
    ) async throws -> Outcome {
        if let position = try await earlierEffect(of: cause) {
            return .repeated(position: position)
        }
        _ = try queue(name)
        return try await append(BusCategory.queue, name, type, Nothing(), cause)
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
            if let position = try await earlierEffect(of: cause) {
                return .repeated(position: position)
            }
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

    // MARK: Telling the log

    /// Appends an event that changes the bus, and returns when the bus has applied it.
    func append(
        _ category: String, _ name: String, _ type: BusEventType, _ data: some Encodable,
        _ cause: Cause
    ) async throws -> Outcome {
        try await append([try event(category, name, type, data, cause)])
    }

    func event(
        _ category: String, _ name: String, _ type: BusEventType, _ data: some Encodable,
        _ cause: Cause, index: Int = 0
    ) throws -> NewEvent {
        NewEvent(
            id: cause.key.derived(String(index)),
            stream: try StreamName(category: category, id: name), type: type.rawValue,
            correlationID: cause.correlationID, causationID: cause.causationID,
            metadata: try EventMetadata(cause).encoded(), data: try JSON.encode(data))
    }

    /// Appends events that change the bus, and returns when the bus has applied them.
    func append(_ events: [NewEvent]) async throws -> Outcome {
        let appended = try await client.append(events)
        try await routed(through: appended.last)
        return appended.isRepeat
            ? .repeated(position: appended.last)
            : .appended(appended, types: events.map(\.type))
    }

    private static func eventID(_ cause: Cause) -> EventID { cause.key.derived("0") }

    /// Returns the position of the command's earlier effect, or nil if it is new.
    func earlierEffect(of cause: Cause) async throws -> UInt64? {
        guard cause.mayBeRepeat else { return nil }
        return try await client.event(id: Self.eventID(cause))?.position
    }
}
