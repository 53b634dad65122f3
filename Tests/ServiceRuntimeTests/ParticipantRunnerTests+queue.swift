import EventSourcing
import EventStoreClient
import Foundation
import JSON
import TestSupport
import Testing
import WireProtocol

@testable import ServiceRuntime

@Suite(.timeLimit(.minutes(10))) struct `Participant queue` {
    private let queue = QueueDefinition(
        name: "packer", grouping: .paths(["order"]), visibilityTimeout: 600, start: .beginning)
    private let rule = RuleDefinition(
        name: "pack", pattern: #"{"detail-type": ["Wanted", "Met"]}"#, targets: ["packer"])

    @Test func `Participant waits for its queue to be created and handles all its events`()
        async throws
    {
        let store = try await Store()
        _ = try await store.deliveries(Wanted(order: "a"), Wanted(order: "b"), Met(order: "a"))
        let runner = try await store.runner()
        let running = Task { try await runner.run() }
        let bus = try await store.startBus()
        #expect(await runner.status.state == .waiting)
        _ = try await bus.command(BusCall.putQueue, queue)
        _ = try await bus.command(BusCall.putRule, rule)
        while await runner.status.handled < 3 { try await lookAgainSoon() }
        #expect(await runner.status.state == .running)
        #expect(try await store.orders("Packed").sorted() == ["a", "b"])
        running.cancel()
        await #expect(throws: CancellationError.self) { try await running.value }
        // The runner acknowledges the events in hand before it stops.
        let view = try #require(
            try await bus.query(BusCall.queues, Nothing(), as: [QueueView].self).first)
        #expect(view.depth == 0 && view.inFlight == 0 && view.acknowledged == 3, "\(view)")
        await bus.close()
    }

    @Test func `Event that the participant can't read becomes a dead letter at the first receive`()
        async throws
    {
        let store = try await Store()
        let bad = try await store.deliveries([
            NewEvent(stream: StreamName("order-1"), type: "Wanted", data: Array("{}".utf8))
        ])
        _ = try await store.deliveries(Wanted(order: "a"))
        let bus = try await store.startBus([queue], [rule])
        let runner = try await store.runner()
        let running = Task { try await runner.run() }
        let letters = EventQuery.types([BusEventType.deadLettered.rawValue])
        while try await store.client.last(of: letters) == nil { try await lookAgainSoon() }
        while await runner.status.handled < 1 { try await lookAgainSoon() }
        let event = try #require(try await store.client.last(of: letters))
        let letter = try JSON.decode(DeadLetter.self, from: event.data)
        #expect(letter.cause == .unreadable && letter.receives == 1, "\(letter)")
        #expect(letter.position == bad[0].event.position)
        #expect(letter.error?.contains("event-store amend \(bad[0].event.id)") == true)
        #expect(try await store.orders("Packed") == ["a"])
        running.cancel()
        _ = await running.result
        await bus.close()
    }

    @Test func `Participant gets its predecessor's deliveries at once`() async throws {
        let store = try await Store()
        _ = try await store.deliveries(Wanted(order: "a"), Wanted(order: "b"))
        let bus = try await store.startBus([queue], [rule])
        let predecessor = try await store.client.consumer(of: "packer", named: "packing")
        var taken = 0
        while taken < 2 { taken += try await predecessor.receive(10).count }
        await predecessor.close()
        let runner = try await store.runner()
        let running = Task { try await runner.run() }
        while await runner.status.handled < 2 { try await lookAgainSoon() }
        running.cancel()
        _ = await running.result
        await bus.close()
    }

    @Test func `Participant gets an event although its predecessor's receive still waits`()
        async throws
    {
        let store = try await Store()
        let bus = try await store.startBus([queue], [rule])
        let predecessor = try await store.client.consumer(of: "packer", named: "packing")
        let held = Task { try await predecessor.receive(10) }
        // The connection keeps the order: after this answer the store has the receive.
        _ = try await predecessor.acknowledge([])
        let consumer = try await store.client.consumer(of: "packer", named: "packing")
        try await consumer.release()
        _ = try await store.deliveries(Wanted(order: "a"))
        #expect(try await consumer.receive(10).count == 1)
        #expect(try await held.value.isEmpty)
        await predecessor.close()
        await consumer.close()
        await bus.close()
    }

    @Test func `Queue worker passes on one batch at a time, and an empty one when idle`()
        async throws
    {
        let store = try await Store()
        let bus = try await store.startBus([queue], [rule])
        let consumer = try await store.client.consumer(of: "packer")
        let worker = QueueWorker(consumer, concurrency: 4)
        let (batches, batch) = AsyncStream.makeStream(of: [Delivery].self)
        let running = Task {
            try await worker.run(batches: { deliveries in
                batch.yield(deliveries)
                return deliveries.map { _ in .acknowledged }
            })
        }
        var orders: [String] = []
        var iterator = batches.makeAsyncIterator()
        #expect(await iterator.next()?.isEmpty == true)
        for number in 1...20 { _ = try await store.deliveries(Wanted(order: "\(number)")) }
        while orders.count < 20, let deliveries = await iterator.next() {
            #expect(deliveries.count <= 4)
            for delivery in deliveries { orders += delivery.event.tags }
        }
        #expect(orders == (1...20).map { "order:\($0)" })
        running.cancel()
        _ = await running.result
        await consumer.close()
        await bus.close()
    }
}
