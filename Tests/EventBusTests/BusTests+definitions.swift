import EventSourcing
import EventStoreClient
import Testing
import WireProtocol

@Suite(.timeLimit(.minutes(10))) struct `Definition commands` {
    private func queues(of bus: RunningBus) async throws -> [String] {
        let head = try await bus.store.welcome().head
        return try await bus.admin.query(
            BusCall.queues, Nothing(), atLeast: head, as: [QueueView].self
        ).map(\.queue.name)
    }

    @Test func `Commands at the same time are decided one after the other`() async throws {
        let bus = try await RunningBus()
        let admin = bus.admin
        let accepted = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<20 {
                group.addTask {
                    let replay = ReplayDefinition(name: "r", queue: "q\(number)")
                    return (try? await admin.command(BusCall.startReplay, replay)) != nil
                }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(accepted == 1)
        // A rejected command has not created its queue either.
        #expect(try await queues(of: bus).count == 1)
    }

    @Test func `Repeated command gets the answer of its first attempt and changes nothing`()
        async throws
    {
        let bus = try await RunningBus()
        let (queue, id) = (QueueDefinition(name: "q"), EventID.random())
        let first = try await bus.admin.command(BusCall.putQueue, queue, id: id)
        let nothing = try await bus.admin.command(BusCall.putQueue, queue)
        #expect(first.result == .appended && nothing.result == .nothing)
        _ = try await bus.admin.command(BusCall.deleteQueue, "q")
        let again = try await bus.admin.command(
            BusCall.putQueue, queue, id: id, mayBeRepeat: true)
        #expect(again.result == .repeated && again.position == first.position)
        #expect(again.events == ["QueuePut"])
        #expect(try await queues(of: bus).isEmpty)
    }

    @Test func `Repeated command with several events gets the position of the last one`()
        async throws
    {
        let bus = try await RunningBus()
        let (replay, id) = (ReplayDefinition(name: "r", queue: "new"), EventID.random())
        let first = try await bus.admin.command(BusCall.startReplay, replay, id: id)
        for mayBeRepeat in [false, true] {
            let again = try await bus.admin.command(
                BusCall.startReplay, replay, id: id, mayBeRepeat: mayBeRepeat)
            #expect(again.result == .repeated && again.position == first.position)
            #expect(again.events == ["QueuePut", "ReplayStarted"] && again.events == first.events)
        }
    }

    @Test func `Id of another command is rejected`() async throws {
        let bus = try await RunningBus()
        let id = EventID.random()
        _ = try await bus.admin.command(BusCall.putQueue, QueueDefinition(name: "q"), id: id)
        let head = try await bus.store.welcome().head
        for mayBeRepeat in [false, true] {
            let other = await #expect(throws: ProtocolError.self) {
                try await bus.admin.command(
                    BusCall.putQueue, QueueDefinition(name: "p"), id: id, mayBeRepeat: mayBeRepeat)
            }
            #expect(other?.code == .idReused && other?.detail == head)
            let purge = await #expect(throws: ProtocolError.self) {
                try await bus.admin.command(
                    BusCall.purgeQueue, "q", id: id, mayBeRepeat: mayBeRepeat)
            }
            #expect(purge?.code == .idReused)
        }
        #expect(try await bus.store.welcome().head == head)
    }

    @Test func `Command whose caller no longer waits does nothing`() async throws {
        let bus = try await RunningBus()
        let request = CommandRequest(
            id: .random(), attempt: 1, actor: "tester", deadline: .earliest,
            command: QueueDefinition(name: "q"))
        let error = await #expect(throws: ProtocolError.self) {
            try await bus.admin.call(BusCall.putQueue, request, as: CommandReply.self)
        }
        #expect(error?.code == .expired)
        #expect(try await queues(of: bus).isEmpty)
    }

    @Test func `Repeated redrive gets the answer of its first attempt`() async throws {
        let bus = try await RunningBus()
        try await bus.put(QueueDefinition(name: "q", retry: RetryPolicy(maximumAge: 0.05)))
        try await bus.put(rule: "r", to: "q")
        try await bus.append()
        _ = try await bus.wait(for: "q") { $0.deadLetters == 1 }
        let letter = try #require(try await bus.deadLetters().first)
        let (request, id) = (
            CloseDeadLetters(DeadLetterSelection(ids: [letter.id])), EventID.random()
        )
        let first = try await bus.admin.command(BusCall.redrive, request, id: id)
        let again = try await bus.admin.command(
            BusCall.redrive, request, id: id, mayBeRepeat: true)
        #expect(again.result == .repeated && again.position == first.position)
    }
}
