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
        await server.command(BusCall.redrive) { (request: CloseDeadLetters, cause) in
            try await self.redriveOrDiscard(request, .deadLetterRedriven, cause)
        }
        await server.command(BusCall.discard) { (request: CloseDeadLetters, cause) in
            try await self.redriveOrDiscard(request, .deadLetterDiscarded, cause)
        }
        await server.handle(BusCall.receive) { data, caller in
            let request = try JSON.argument(ReceiveRequest.self, data)
            try caller.checkQueue(request.queue)
            return Data(try await self.receive(request))
        }
        await server.handle(BusCall.acknowledge) { data, caller in
            try Limits.check(argumentBytes: data.count)
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
        typealias Command = Definitions.Command
        await define(BusCall.putRule, Command.putRule)
        await define(BusCall.setRuleEnabled, Command.setRuleEnabled)
        await define(BusCall.deleteRule, Command.deleteRule)
        await define(BusCall.putQueue, Command.putQueue)
        await define(BusCall.setQueuePaused, Command.setQueuePaused)
        await define(BusCall.purgeQueue, Command.purgeQueue)
        await define(BusCall.deleteQueue, Command.deleteQueue)
        await define(BusCall.deleteArchive, Command.deleteArchive)
        await define(BusCall.startReplay, Command.startReplay)
        await define(BusCall.setReplayPaused, Command.setReplayPaused)
        await define(BusCall.cancelReplay, Command.cancelReplay)
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
        await list(BusCall.rules) { await $0.ruleViews() }
        await list(BusCall.queues) { await $0.queueViews() }
        await list(BusCall.archives) { await $0.archiveViews() }
        await list(BusCall.replays) { await $0.replayViews() }
        await server.query(BusCall.planReplay) { (replay: ReplayDefinition, _) in
            try await self.plan(replay)
        }
        await server.query(BusCall.deadLetters) { (request: DeadLettersRequest, atLeast) in
            try await self.deadLetterViews(request, atLeast: atLeast)
        }
    }

    /// Registers the handler of a call that returns all views of a kind.
    private func list<View: Codable & Sendable>(
        _ call: String, _ views: @escaping @Sendable (Bus) async -> [View]
    ) async {
        await server.query(call) { (_: Nothing, atLeast) in
            try await self.routed(through: atLeast)
            return await views(self)
        }
    }

    private func ruleViews() async -> [RuleView] {
        var views = router.views
        for archiver in archives.values { views.append(await archiver.ruleView) }
        return views.sorted { $0.rule.name < $1.rule.name }
    }

    func queueViews() -> [QueueView] {
        deliveries.views(at: clock.running) { deadLetters.count(of: $0) }
    }

    private func replayViews() -> [ReplayView] { replays.views(at: clock.running) }
}
