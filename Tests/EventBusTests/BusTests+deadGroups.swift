import EventStoreClient
import TestSupport
import Testing
import WireProtocol

extension `Dead letters` {
    private func discard(_ id: UInt64, _ bus: RunningBus) async throws {
        let selection = DeadLetterSelection(ids: [id])
        _ = try await bus.admin.command(
            BusCall.discard, CloseDeadLetters(selection, reason: "not needed"))
    }

    private func put(_ bus: RunningBus, receives: Int = 1, _ afterDeath: AfterDeath) async throws {
        let retry = RetryPolicy(maximumReceives: receives)
        try await bus.put(QueueDefinition(name: "q", retry: retry, afterDeath: afterDeath))
    }

    @Test(arguments: [false, true])
    func `Group with several dead letters waits for the last of them`(restarts: Bool) async throws {
        let bus = try await RunningBus()
        try await make(bus, afterDeath: .proceed)
        try await bus.append(3, correlation: 1)
        for _ in 1...2 { try await fail(bus) }
        // From now on, the third event waits behind the letters of the first two.
        try await put(bus, .wait)
        if restarts { try await bus.restart() }
        #expect(try await bus.drain("q").isEmpty)
        let letters = try await bus.deadLetters()
        #expect(letters.map(\.waitingBehind) == [1, 1])
        try await discard(letters[0].id, bus)
        if restarts { try await bus.restart() }
        #expect(try await bus.drain("q").isEmpty)
        try await discard(letters[1].id, bus)
        _ = try await bus.wait(for: "q") { $0.waitingBehindDead == 0 }
        #expect(try await bus.drain("q") == [letters[1].letter.position + 1])
    }

    @Test(arguments: [false, true])
    func `Groups no longer wait behind dead letters when the queue goes on after a death`(
        restarts: Bool
    ) async throws {
        let bus = try await RunningBus()
        try await make(bus)
        let events = try await bus.append(3, correlation: 1)
        try await fail(bus)
        #expect(try await bus.drain("q").isEmpty)
        try await put(bus, .proceed)
        if restarts { try await bus.restart() }
        _ = try await bus.wait(for: "q") { $0.waitingBehindDead == 0 }
        #expect(try await bus.drain("q") == Array(events.dropFirst()))
        #expect(try await bus.deadLetters().map(\.letter.position) == [events.lowerBound])
    }

    @Test func `Events above a lowered receive limit become dead letters without a receive`()
        async throws
    {
        let bus = try await RunningBus()
        try await put(bus, receives: 3, .wait)
        try await bus.put(rule: "r", to: "q")
        let event = try await bus.append().lowerBound
        let consumer = try await bus.store.consumer(of: "q")
        let delivery = try #require(try await consumer.receive(1).first)
        let failure = Acknowledgement.Verdict.failed(error: "no", delay: .seconds(60))
        try await consumer.acknowledge([delivery.acknowledgement(failure)])
        await consumer.close()
        try await put(bus, .wait)
        _ = try await bus.wait(for: "q") { $0.deadLetters == 1 }
        #expect(try await bus.deadLetters().map(\.letter.position) == [event])
    }

    /// A replay is not run again when the queue is filled from the log, so later events get other
    /// places than before.
    @Test(arguments: [20, 20_000])
    func `Queue that is filled again from the log lacks its dead events only`(
        window: Int
    ) async throws {
        let bus = try await RunningBus(window: window)
        try await make(bus)
        let first = try await bus.append(10)
        try await bus.start(ReplayDefinition(name: "again", queue: "q"))
        try await bus.wait(forReplay: "again")
        #expect(try await bus.drain("q").count == 20)
        let later = try await bus.append(50)
        let dead = [try await fail(bus), try await fail(bus)]
        #expect(dead == Array(later.prefix(2)))

        await bus.stop()
        for folder in ["bus", "journal"] { try bus.remove(folder) }
        try await bus.start()
        #expect(try await bus.drain("q").sorted() == Array(first) + Array(later.dropFirst(2)))
        #expect(try await bus.deadLetters().map(\.letter.position) == dead)
        try await bus.redrive()
        #expect(try await bus.drain("q") == dead)
        #expect(try await bus.view("q").depth == 0)
    }
}
