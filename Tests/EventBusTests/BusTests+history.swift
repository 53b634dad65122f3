import EventSourcing
import EventStoreClient
import Testing
import WireProtocol

@Suite(.timeLimit(.minutes(10))) struct `History on the bus` {
    /// Appends two events of another log, with ids that begin with `first`.
    private func importEvents(
        _ bus: RunningBus, _ history: AppendCondition.History, first: UInt64
    ) async throws -> [UInt64] {
        let events = try (0..<2 as Range<UInt64>).map { number in
            var event = NewEvent(
                id: EventID(high: 8, low: first + number), stream: try StreamName("s-1"),
                type: "T", data: Array("{}".utf8))
            event.originalTime = Timestamp(microseconds: 1)
            return event
        }
        let appended = try await bus.store.append(events, AppendCondition(history: history))
        return Array(appended.first...appended.last)
    }

    @Test
    func `Rules pass history over, live and when they fill a queue, unless it says otherwise`()
        async throws
    {
        let bus = try await RunningBus()
        let early = try await importEvents(bus, .delivered, first: 1)
        _ = try await importEvents(bus, .undelivered, first: 11)
        try await bus.put(QueueDefinition(name: "q", start: .beginning))
        try await bus.put(rule: "r", to: "q")
        _ = try await bus.wait(for: "q") { !$0.isFilling }
        _ = try await importEvents(bus, .undelivered, first: 21)
        let late = try await importEvents(bus, .delivered, first: 31)
        let own = try await bus.append(2)
        #expect(try await bus.drain("q") == early + late + own)
    }

    @Test func `Replay delivers history`() async throws {
        let bus = try await RunningBus()
        try await bus.put(QueueDefinition(name: "q"))
        let past = try await importEvents(bus, .undelivered, first: 1)
        _ = try await bus.admin.command(
            BusCall.startReplay, ReplayDefinition(name: "again", queue: "q"))
        _ = try await bus.wait(for: "q") { $0.depth == past.count }
        #expect(try await bus.drain("q") == past)
    }
}
