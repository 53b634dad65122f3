import CallServer
import EventSourcing
import Foundation
import JSON
import WireProtocol

extension Bus {
    /// Registers the handlers of all calls.
    func answerCalls() async {
        await answerDefinitionCalls()
        await answerQueries()
        await server.command(BusCall.redrive) { (request: EndDeadLetters, cause) in
            try await self.end(request, .deadLetterRedriven, cause)
        }
        await server.command(BusCall.discard) { (request: EndDeadLetters, cause) in
            try await self.end(request, .deadLetterDiscarded, cause)
        }
        await server.handle(BusCall.receive) { data, caller in
            let request = try JSON.argument(ReceiveRequest.self, data)
            try caller.checkQueue(request.queue)
            return Data(try await self.receive(request))
        }
        await server.handle(BusCall.acknowledge) { data, caller in
            let (queue, acknowledgements) = try Acknowledgement.read(Array(data))
            try caller.checkQueue(queue)
            let accepted = try await self.acknowledge(acknowledgements, of: queue)
            return Data(accepted.map { $0 ? 1 : 0 })
        }
        await server.handle(BusCall.release) { data, caller in
            let request = try JSON.argument(ReleaseRequest.self, data)
            try caller.checkQueue(request.queue)
            let count = try await self.release(request)
            return try JSON.data(count)
        }
    }

    private func answerDefinitionCalls() async {
        await define(BusCall.putRule) { (rule: RuleDefinition) in .putRule(rule) }
        await define(BusCall.setRuleEnabled) { (change: SetRuleEnabled) in .setRuleEnabled(change) }
        await define(BusCall.deleteRule) { (name: String) in .deleteRule(name) }
        await define(BusCall.putQueue) { (queue: QueueDefinition) in .putQueue(queue) }
        await define(BusCall.setQueuePaused) { (change: SetQueuePaused) in .setQueuePaused(change) }
        await define(BusCall.purgeQueue) { (name: String) in .purgeQueue(name) }
        await define(BusCall.deleteQueue) { (name: String) in .deleteQueue(name) }
        await define(BusCall.deleteArchive) { (name: String) in .deleteArchive(name) }
        await define(BusCall.startReplay) { (replay: ReplayDefinition) in .startReplay(replay) }
        await define(BusCall.setReplayPaused) { (change: SetReplayPaused) in
            .setReplayPaused(change)
        }
        await define(BusCall.cancelReplay) { (name: String) in .cancelReplay(name) }
        await server.command(BusCall.createArchive) { (archive: ArchiveDefinition, cause) in
            try await self.create(archive, cause)
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

    private func answerQueries() async {
        await server.query(BusCall.rules) { (_: Nothing, atLeast) in
            try await self.routed(through: atLeast)
            return await self.ruleViews()
        }
        await server.query(BusCall.queues) { (_: Nothing, atLeast) in
            try await self.routed(through: atLeast)
            return await self.queueViews()
        }
        await server.query(BusCall.archives) { (_: Nothing, atLeast) in
            try await self.routed(through: atLeast)
            return await self.archives.views()
        }
        await server.query(BusCall.replays) { (_: Nothing, atLeast) in
            try await self.routed(through: atLeast)
            return await self.replayViews()
        }
        await server.query(BusCall.planReplay) { (replay: ReplayDefinition, _) in
            try await self.plan(replay)
        }
        await server.query(BusCall.deadLetters) { (request: DeadLettersRequest, atLeast) in
            try await self.deadLetterViews(request, atLeast: atLeast)
        }
    }

    private func ruleViews() async -> [RuleView] {
        let managed = await archives.ruleViews()
        return (router.views + managed).sorted { $0.rule.name < $1.rule.name }
    }

    func queueViews() -> [QueueView] {
        deliveries.views(at: clock.running) { deadLetters.count(of: $0) }
    }

    private func replayViews() -> [ReplayView] { replays.views(at: clock.running) }
}
