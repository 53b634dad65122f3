import EventSourcing
import EventStoreClient
import TestSupport
import Testing
import WireProtocol

/// Queues that are changed, created again, or filled again while they have dead letters.
extension `Dead letters` {
    private func discardAll(_ bus: RunningBus) async throws {
        _ = try await bus.admin.command(
            BusCall.discard, CloseDeadLetters(DeadLetterSelection(queue: "q"), reason: "test"))
    }

    private func createAgain(_ bus: RunningBus, grouping: Grouping) async throws {
        _ = try await bus.admin.command(BusCall.deleteQueue, "q")
        try await bus.put(
            QueueDefinition(
                name: "q", grouping: grouping, retry: RetryPolicy(maximumReceives: 1)))
    }

    @Test(arguments: [false, true])
    func `Delivery in flight stays with its consumer when its group begins to wait`(
        restarts: Bool
    ) async throws {
        let bus = try await RunningBus()
        try await make(bus, afterDeath: .proceed)
        let events = Array(try await bus.append(3, correlation: 1))
        try await fail(bus)
        let consumer = try await bus.store.consumer(of: "q", named: "slow")
        let delivery = try #require(try await consumer.receive(1).first)
        try await bus.put(QueueDefinition(name: "q", retry: RetryPolicy(maximumReceives: 1)))
        if restarts { try await bus.restart() }
        #expect(try await bus.view("q").inFlight == 1)
        #expect(try await bus.drain("q").isEmpty)
        try await discardAll(bus)
        _ = try await bus.wait(for: "q") { $0.waitingBehindDead == 0 }
        #expect(try await bus.drain("q").isEmpty)
        let acknowledgement = delivery.acknowledgement(.acknowledged)
        #expect(try await consumer.acknowledge([acknowledgement]) == [true])
        await consumer.close()
        #expect(try await bus.drain("q") == [events[2]])
        #expect(try await bus.deadLetters().isEmpty)
    }

    @Test(arguments: [false, true])
    func `Groups of a queue that was created again wait behind its earlier dead letters`(
        restarts: Bool
    ) async throws {
        let bus = try await RunningBus()
        try await make(bus)
        let dead = try await bus.append(1, correlation: 1)
        try await fail(bus)
        try await createAgain(bus, grouping: .correlation)
        if restarts { try await bus.restart() }
        let later = try await bus.append(2, correlation: 1)
        #expect(try await bus.drain("q").isEmpty)
        #expect(try await bus.deadLetters().map(\.waitingBehind) == [2])
        try await bus.redrive()
        _ = try await bus.wait(for: "q") { $0.waitingBehindDead == 0 }
        #expect(try await bus.drain("q") == Array(dead) + Array(later))
    }

    @Test(arguments: [false, true])
    func `Dead letters are grouped as the queue groups events that was created again`(
        restarts: Bool
    ) async throws {
        let bus = try await RunningBus()
        try await make(bus, grouping: .unordered)
        let dead = try await bus.append(1, stream: "s-1")
        try await fail(bus)
        try await createAgain(bus, grouping: .stream)
        if restarts { try await bus.restart() }
        let later = try await bus.append(1, stream: "s-1")
        #expect(try await bus.deadLetters().map(\.letter.group) == ["s-1"])
        try await bus.redrive()
        _ = try await bus.wait(for: "q") { $0.waitingBehindDead == 0 }
        let consumer = try await bus.store.consumer(of: "q")
        #expect(try await consumer.receive(5).map(\.event.position) == Array(dead))
        await consumer.close()
        #expect(try await bus.view("q").depth == later.count)
    }

    @Test(arguments: [false, true])
    func `Events without a queue come before later ones of their group once it is created`(
        restarts: Bool
    ) async throws {
        let bus = try await RunningBus()
        try await make(bus)
        _ = try await bus.admin.command(BusCall.deleteQueue, "q")
        let dead = try await bus.append(2, stream: "s-1")
        while try await bus.deadLetters().count < 2 { try await lookAgainSoon() }
        try await bus.put(QueueDefinition(name: "q", grouping: .stream))
        if restarts { try await bus.restart() }
        let later = try await bus.append(2, stream: "s-1")
        let other = try await bus.append(1, stream: "s-2")
        #expect(try await bus.drain("q") == Array(other))
        try await bus.redrive()
        _ = try await bus.wait(for: "q") { $0.waitingBehindDead == 0 }
        #expect(try await bus.drain("q") == Array(dead) + Array(later))
    }

    @Test(arguments: [20, 20_000])
    func `Queue from the log's beginning that is filled again lacks its dead events`(
        window: Int
    ) async throws {
        let bus = try await RunningBus(window: window)
        let events = Array(try await bus.append(50, stream: "s-1"))
        try await bus.put(
            QueueDefinition(
                name: "q", grouping: .stream, retry: RetryPolicy(maximumReceives: 1),
                start: .beginning))
        try await bus.put(rule: "r", to: "q")
        _ = try await bus.wait(for: "q") { $0.depth == 50 }
        let dead = try await fail(bus)
        for folder in ["bus", "journal"] {
            await bus.stop()
            try bus.remove(folder)
            if folder == "journal" { try bus.remove("bus") }
            try await bus.start()
            #expect(try await bus.drain("q").isEmpty)
            _ = try await bus.wait(for: "q") { $0.waitingBehindDead == 49 }
        }
        try await bus.redrive()
        _ = try await bus.wait(for: "q") { $0.waitingBehindDead == 0 }
        #expect(dead == events[0])
        #expect(try await bus.drain("q") == events)
    }

    /// What waits on disk is read in parts, of which some may have nothing to deliver.
    @Test(arguments: [Duration.zero, .seconds(1)])
    func `Entries behind a long blocked group are delivered after a restart`(
        wait: Duration
    ) async throws {
        let bus = try await RunningBus(window: 4)
        try await bus.put(
            QueueDefinition(
                name: "q", grouping: .stream, retry: RetryPolicy(maximumReceives: 1)))
        try await bus.put(rule: "r", to: "q")
        try await bus.append(30, stream: "s-1")
        _ = try await fail(bus)
        let other = try await bus.append(1, stream: "s-2")
        try await bus.restart()
        let consumer = try await bus.store.consumer(of: "q")
        #expect(try await consumer.receive(5, wait: wait).map(\.event.position) == Array(other))
        await consumer.close()
        _ = try await bus.wait(for: "q") { $0.waitingBehindDead == 29 }
    }

    @Test func `Queue that is filled again does not get what was purged`() async throws {
        let bus = try await RunningBus()
        try await bus.append(50)
        try await bus.put(QueueDefinition(name: "q", start: .beginning))
        try await bus.put(rule: "r", to: "q")
        _ = try await bus.wait(for: "q") { $0.depth == 50 }
        _ = try await bus.admin.command(BusCall.purgeQueue, "q")
        let later = try await bus.append(3)
        #expect(try await bus.view("q").depth == 3)
        await bus.stop()
        for folder in ["bus", "journal"] { try bus.remove(folder) }
        try await bus.start()
        _ = try await bus.wait(for: "q") { $0.depth >= 3 }
        #expect(try await bus.drain("q").sorted() == Array(later))
    }
}
