import EventSourcing
import EventStoreClient
import JSON
import Testing
import WireProtocol

@Suite(.timeLimit(.minutes(10))) struct `Dead letters` {
    /// Creates a queue whose events become dead letters at the first failure, and its rule.
    func make(
        _ bus: RunningBus, grouping: Grouping = .correlation, afterDeath: AfterDeath = .wait
    ) async throws {
        try await bus.put(
            QueueDefinition(
                name: "q", grouping: grouping, retry: RetryPolicy(maximumReceives: 1),
                afterDeath: afterDeath))
        try await bus.put(rule: "r", to: "q")
    }

    /// Fails the next delivery and waits until the event is a dead letter.
    @discardableResult
    func fail(_ bus: RunningBus) async throws -> UInt64 {
        let before = try await bus.view("q").deadLetters
        let consumer = try await bus.store.consumer(of: "q", named: "failing")
        let delivery = try #require(try await consumer.receive(1).first)
        try await consumer.acknowledge([
            delivery.acknowledgement(.failed(error: "no such luck", delay: nil))
        ])
        await consumer.close()
        _ = try await bus.wait(for: "q") { $0.deadLetters > before }
        return delivery.event.position
    }

    @Test func `Group waits behind a dead letter, across a restart, and is redriven in order`()
        async throws
    {
        let bus = try await RunningBus()
        try await make(bus)
        let first = try await bus.append(3, correlation: 1)
        let other = try await bus.append(2, correlation: 2)
        let dead = try await fail(bus)
        #expect(dead == first.lowerBound)
        let later = try await bus.append(1, correlation: 1)
        #expect(try await bus.drain("q") == Array(other))
        let letter = try #require(try await bus.deadLetters().first)
        #expect(letter.waitingBehind == 3)
        #expect(letter.letter.position == dead && letter.letter.cause == .maximumReceives)
        #expect(letter.letter.error == "no such luck" && letter.letter.receives == 1)
        #expect(letter.letter.rule == "r" && letter.letter.type == "T")
        #expect(letter.letter.group == "\(EventID(high: 1, low: 1))")

        // A restart changes nothing.
        await bus.stop()
        try await bus.start()
        #expect(try await bus.deadLetters().first == letter)
        #expect(try await bus.drain("q").isEmpty)

        try await bus.redrive(DeadLetterSelection(ids: [letter.id]))
        #expect(try await bus.deadLetters().isEmpty)
        _ = try await bus.wait(for: "q") { $0.waitingBehindDead == 0 }
        #expect(try await bus.drain("q") == Array(first) + Array(later))
    }

    @Test func `Group continues past a dead letter if the queue does not wait behind it`()
        async throws
    {
        let bus = try await RunningBus()
        try await make(bus, afterDeath: .proceed)
        let all = try await bus.append(3, correlation: 1)
        let dead = try await fail(bus)
        #expect(try await bus.drain("q") == Array(all).filter { $0 != dead })
        try await bus.redrive()
        #expect(try await bus.drain("q") == [dead])
    }

    @Test func `Dead letter that names another event is not redriven and can be discarded`()
        async throws
    {
        let bus = try await RunningBus()
        try await make(bus)
        let position = try await bus.append().lowerBound
        #expect(try await bus.drain("q") == [position])
        // A dead letter that was copied from another log, and the redrive that follows it there.
        let foreign = EventID(high: 9, low: 9)
        let letter = DeadLetter(
            queue: "q", rule: "r", replay: nil, position: position, event: foreign, type: "T",
            sequence: 1, group: "g", cause: .maximumReceives, error: nil, receives: 1,
            enqueuedAt: bus.clock.now, firstReceivedAt: nil)
        let stream = try StreamName("$deadletter-q")
        try await bus.appendOwn([
            NewEvent(stream: stream, type: "DeadLettered", data: try JSON.encode(letter))
        ])
        let id = try #require(try await bus.deadLetters().first).id
        let closure = DeadLetterClosure(queue: "q", deadLetter: id, position: position)
        try await bus.appendOwn([
            NewEvent(stream: stream, type: "DeadLetterRedriven", data: try JSON.encode(closure))
        ])
        #expect(try await bus.deadLetters().map(\.id) == [id])
        // The others are redriven all the same.
        let other = try await bus.append().lowerBound
        #expect(try await fail(bus) == other)
        let error = await #expect(throws: ProtocolError.self) { try await bus.redrive() }
        #expect(
            error?.message
                == "dead letters redriven: 1; but the log has other events at the positions of "
                + "these dead letters: \(id); discard the dead letters with: event-store dlq "
                + "discard")
        #expect(try await bus.deadLetters().map(\.id) == [id])
        #expect(try await bus.drain("q") == [other])
        _ = try await bus.admin.command(
            BusCall.discard, CloseDeadLetters(DeadLetterSelection(queue: "q"), reason: "foreign"))
        #expect(try await bus.deadLetters().isEmpty)
    }

    @Test func `Redriven event can become a dead letter again`() async throws {
        let bus = try await RunningBus()
        try await make(bus)
        let position = try await bus.append().lowerBound
        for _ in 1...3 {
            #expect(try await fail(bus) == position)
            try await bus.redrive()
        }
        _ = try await bus.wait(for: "q") { $0.waitingBehindDead == 0 }
        #expect(try await bus.drain("q") == [position])
        let query = EventQuery.categories([BusCategory.deadLetter])
        var types: [String] = []
        for try await event in bus.store.read(ReadRequest(query)).events {
            types.append(event.type)
        }
        #expect(
            types
                == Array(repeating: ["DeadLettered", "DeadLetterRedriven"], count: 3).flatMap { $0 }
        )
    }

    @Test func `Discarding a dead letter needs a reason, records the actor and frees the group`()
        async throws
    {
        let bus = try await RunningBus()
        try await make(bus)
        let all = try await bus.append(2, correlation: 1)
        try await fail(bus)
        await #expect(throws: ProtocolError.self) {
            _ = try await bus.admin.command(
                BusCall.discard, CloseDeadLetters(DeadLetterSelection(queue: "q")))
        }
        _ = try await bus.admin.command(
            BusCall.discard,
            CloseDeadLetters(DeadLetterSelection(queue: "q"), reason: "a duplicate"))
        _ = try await bus.wait(for: "q") { $0.waitingBehindDead == 0 }
        #expect(try await bus.drain("q") == [all.upperBound])
        let query = EventQuery([.init(types: ["DeadLetterDiscarded"])])
        let told = try #require(
            try await bus.store.read(ReadRequest(query)).events.first { _ in true })
        #expect(String(decoding: told.metadata, as: UTF8.self).contains("tester"))
        #expect(String(decoding: told.data, as: UTF8.self).contains("a duplicate"))
        #expect(told.correlationID == EventID(high: 1, low: 1))
    }

    @Test func `Event becomes a dead letter when it is too old or its queue is deleted`()
        async throws
    {
        let bus = try await RunningBus()
        try await bus.put(
            QueueDefinition(name: "q", retry: RetryPolicy(maximumAge: 0.05)))
        try await bus.put(QueueDefinition(name: "gone"))
        try await bus.put(rule: "r", to: "q", "gone")
        _ = try await bus.admin.command(BusCall.deleteQueue, "gone")
        let position = try await bus.append().lowerBound
        // No consumer receives the event.
        _ = try await bus.wait(for: "q") { $0.deadLetters == 1 }
        var letters: [DeadLetterView] = []
        while letters.count < 2 { letters = try await bus.deadLetters() }
        #expect(letters.allSatisfy { $0.letter.position == position })
        #expect(
            Set(letters.map(\.letter.cause)) == [.maximumAge, .targetNotFound])
        await #expect(throws: ProtocolError.self) {
            try await bus.redrive(DeadLetterSelection(queue: "gone"))
        }
        try await bus.put(QueueDefinition(name: "gone"))
        try await bus.redrive(DeadLetterSelection(queue: "gone"))
        #expect(try await bus.drain("gone") == [position])
    }

    /// Creates `count` dead letters, each in a group of its own. Returns the positions of the dead
    /// events.
    private func failAll(_ bus: RunningBus, _ count: Int) async throws -> [UInt64] {
        try await make(bus, grouping: .unordered)
        let consumer = try await bus.store.consumer(of: "q", named: "failing")
        var positions: [UInt64] = []
        for _ in 0..<count / 100 { positions += Array(try await bus.append(100)) }
        positions += Array(try await bus.append(count % 100))
        var failed = 0
        while failed < count {
            let deliveries = try await consumer.receive(1000)
            failed += deliveries.count
            try await consumer.acknowledge(
                deliveries.map { $0.acknowledgement(.failed(error: "no", delay: nil)) })
        }
        await consumer.close()
        _ = try await bus.wait(for: "q") { $0.deadLetters == count }
        return positions
    }

    @Test func `Redrive in several batches counts each dead letter once, however often it is sent`()
        async throws
    {
        let bus = try await RunningBus()
        let id = EventID.random()
        // It is decided again below, because it had nothing to do.
        #expect(try await bus.redrive(id: id).result == .nothing)
        let positions = try await failAll(bus, 450)
        let reply = try await bus.redrive(id: id)
        #expect(reply.result == .appended && reply.events.count == 450)
        #expect(Set(reply.events) == ["DeadLetterRedriven"])
        // The bus remembers the outcome.
        var repeated = reply
        repeated.result = .repeated
        #expect(try await bus.redrive(id: id, mayBeRepeat: true) == repeated)
        #expect(try await bus.view("q").depth == 450)
        #expect(try await bus.drain("q") == positions)
        // After a restart, the log has it.
        try await bus.restart()
        let again = try await bus.redrive(id: id, mayBeRepeat: true)
        #expect(again == repeated)
        let error = await #expect(throws: ProtocolError.self) {
            try await bus.redrive(.init(queue: "q"), id: id, mayBeRepeat: true)
        }
        #expect(error?.code == .idReused)
        #expect(try await bus.view("q").depth == 0)
        let other = try await bus.redrive()
        #expect(other.result == .nothing && other.events.isEmpty)
    }

    @Test func `Discard with a long reason takes several appends`() async throws {
        let bus = try await RunningBus()
        _ = try await failAll(bus, 50)
        // Together the events are larger than an append may be.
        let reason = String(repeating: "because ", count: 25_000)
        let reply = try await bus.admin.command(
            BusCall.discard, CloseDeadLetters(DeadLetterSelection(), reason: reason))
        #expect(reply.events.count == 50)
        #expect(try await bus.deadLetters().isEmpty)
    }

    @Test func `Repeated redrive leaves out letters that have died since the first attempt`()
        async throws
    {
        let bus = try await RunningBus()
        _ = try await failAll(bus, 2)
        let id = EventID.random()
        #expect(try await bus.redrive(id: id).events.count == 2)
        for _ in 1...2 { try await fail(bus) }
        try await bus.restart()
        let again = try await bus.redrive(id: id, mayBeRepeat: true)
        #expect(again.result == .repeated && again.events.count == 2, "\(again)")
        #expect(try await bus.view("q").deadLetters == 2)
    }

    @Test func `Redrives at the same time count each dead letter once`() async throws {
        let bus = try await RunningBus()
        let positions = try await failAll(bus, 250)
        let (admin, id) = (bus.admin, EventID.random())
        let command = CloseDeadLetters(DeadLetterSelection(queue: "q"))
        func redrive(_ id: EventID) async throws -> CommandReply {
            try await admin.command(BusCall.redrive, command, id: id, mayBeRepeat: true)
        }
        async let (first, repeated, other) = (redrive(id), redrive(id), redrive(.random()))
        let (one, same, another) = try await (first, repeated, other)
        #expect(one.events == same.events && one.position == same.position)
        #expect(Set([one.result, same.result]) == [.appended, .repeated])
        #expect(one.events.count + another.events.count == 250)
        #expect(try await bus.view("q").deadLetters == 0)
        #expect(try await bus.drain("q").sorted() == positions)
    }

    @Test func `Redrive of many groups restores the order in each, across a restart`() async throws
    {
        let bus = try await RunningBus(window: 20)
        try await make(bus)
        var waiting: [UInt64: [UInt64]] = [:]
        for group in 1...30 as ClosedRange<UInt64> {
            waiting[group] = Array(try await bus.append(3, correlation: group))
        }
        for _ in 1...30 { try await fail(bus) }
        #expect(try await bus.drain("q").isEmpty)
        try await bus.restart()
        #expect(try await bus.redrive().events.count == 30)
        _ = try await bus.wait(for: "q") { $0.waitingBehindDead == 0 }
        let delivered = try await bus.drain("q")
        #expect(delivered.count == 90)
        for positions in waiting.values {
            #expect(delivered.filter(Set(positions).contains) == positions)
        }
        #expect(try await bus.view("q").depth == 0)
    }

    @Test func `Redrive names unknown ids and missing queues, and redrives the others`()
        async throws
    {
        let bus = try await RunningBus()
        try await make(bus, grouping: .unordered)
        try await bus.put(QueueDefinition(name: "gone"))
        try await bus.put(rule: "s", type: "S", to: "gone")
        _ = try await bus.admin.command(BusCall.deleteQueue, "gone")
        let dead = try await bus.append(2)
        for _ in dead { try await fail(bus) }
        try await bus.append(type: "S")
        var letters: [DeadLetterView] = []
        while letters.count < 3 { letters = try await bus.deadLetters() }
        let ids = letters.filter { $0.letter.queue == "q" }.map(\.id)
        let id = EventID.random()
        let some = DeadLetterSelection(ids: [ids[0], 77, 99, .max])
        let message =
            "dead letters redriven: 1; but these ids name no waiting dead letter: 77, 99, "
            + "\(UInt64.max); list the waiting ones with: event-store dlq list"
        for isRepeat in [false, true] {
            await #expect(throws: ProtocolError(.notFound, message)) {
                try await bus.redrive(some, id: id, mayBeRepeat: isRepeat)
            }
        }
        let error = await #expect(throws: ProtocolError.self) { try await bus.redrive() }
        #expect(
            error?.message.hasPrefix(
                "dead letters redriven: 1; but there is no queue 'gone' to redrive to") == true,
            "\(String(describing: error))")
        #expect(try await bus.drain("q").sorted() == Array(dead))
        #expect(try await bus.deadLetters().map(\.letter.queue) == ["gone"])
    }

    @Test func `Selection of dead letters by an unknown name is rejected with a suggestion`()
        async throws
    {
        let bus = try await RunningBus()
        try await bus.put(QueueDefinition(name: "invoices"))
        try await bus.put(rule: "invoicing", to: "invoices")
        for (selection, message) in [
            (
                DeadLetterSelection(queue: "invoces"),
                "there is no queue 'invoces'; did you mean 'invoices'?"
            ),
            (
                DeadLetterSelection(queue: "nope"),
                "there is no queue 'nope'; list them with: event-store queues list"
            ),
            (
                DeadLetterSelection(queue: "invoices", rule: "invoicin"),
                "there is no rule 'invoicin'; did you mean 'invoicing'?"
            ),
        ] {
            let expected = ProtocolError(.notFound, message)
            await #expect(throws: expected) { _ = try await bus.deadLetters(selection) }
            await #expect(throws: expected) { try await bus.redrive(selection) }
        }
        let known = DeadLetterSelection(queue: "invoices", rule: "invoicing", group: "g")
        #expect(try await bus.deadLetters(known).isEmpty)
        #expect(try await bus.redrive(known).result == .nothing)
        // The letters of a deleted queue can still be selected.
        _ = try await bus.admin.command(BusCall.deleteQueue, "invoices")
        try await bus.append()
        var letters: [DeadLetterView] = []
        while letters.isEmpty { letters = try await bus.deadLetters() }
        #expect(try await bus.deadLetters(DeadLetterSelection(queue: "invoices")) == letters)
    }

    @Test func `Selection of more than ten thousand ids is rejected`() async throws {
        let bus = try await RunningBus()
        let many = DeadLetterSelection(ids: Array(1...10_001))
        let expected = ProtocolError(.invalid, "a selection has up to 10000 ids, not 10001")
        await #expect(throws: expected) { try await bus.redrive(many) }
        await #expect(throws: expected) { _ = try await bus.deadLetters(many) }
    }

    @Test func `Queue without dead letters drops and counts events that are too old`()
        async throws
    {
        let bus = try await RunningBus()
        try await bus.put(
            QueueDefinition(
                name: "q", retry: RetryPolicy(maximumAge: 0.05), hasDeadLetters: false))
        try await bus.put(rule: "r", to: "q")
        try await bus.append(3)
        let view = try await bus.wait(for: "q") { $0.dropped == 3 }
        #expect(view.depth == 0 && view.deadLetters == 0)
        #expect(try await bus.deadLetters().isEmpty)
    }
}
