import ArgumentParser
import EventSourcing
import EventStoreClient
import WireProtocol
import ZeroMQ

/// Measures how fast a replay fills a queue, and how fast consumers receive and acknowledge its
/// events, all on disk.
struct DeliverBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deliver",
        abstract: "Replay events into a queue, then acknowledge all of them.")

    @Option(help: "The event store's endpoint.") var endpoint: String
    @Option(help: "The number of consumers, each with its own connection.") var consumers = 1
    @Option(help: "The largest number of deliveries in a receive.") var batch = 100
    @Option(help: "The number of events, appended before the measurement.") var events = 200_000
    @Option(help: "An unused name for the queue, the replay and the category.") var name: String

    func run() async throws {
        let loop = SocketLoop(name: "client")
        let store = try await EventStoreClient(endpoint: endpoint, on: loop, in: Context())
        let bus = try await ServiceClient(
            endpoint: try await store.busEndpoint(), of: "event-store", timeout: .seconds(60),
            actor: "bench")
        let queue = QueueDefinition(name: name, grouping: .unordered)
        _ = try await bus.command(BusCall.putQueue, queue)
        try await append(to: store)
        let replayed = try await replay(bus)
        let started = ContinuousClock.now
        let taken = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 1...consumers {
                group.addTask(executorPreference: loop) {
                    try await take(
                        try await store.consumer(of: name, named: "consumer-\(number)"))
                }
            }
            return try await group.reduce(0, +)
        }
        let seconds = (ContinuousClock.now - started) / .seconds(1)
        precondition(taken == Int(replayed.delivered), "a delivery is missing")
        var measurements = Measurements("deliver")
        measurements.add("consumers", Double(consumers))
        measurements.add("batch", Double(batch))
        measurements.add("acknowledged_per_second", Double(taken) / seconds)
        try measurements.show()
        await store.close()
        await bus.close()
    }

    private func append(to store: EventStoreClient) async throws {
        let streams = try (0..<1000).map { try StreamName(category: name, id: String($0)) }
        for first in stride(from: 0, to: events, by: 500) {
            _ = try await store.append(
                (first..<min(first + 500, events)).map { Load.event(in: streams[$0 % 1000]) })
        }
    }

    /// Replays the events into the queue, and returns the replay when it has ended.
    private func replay(_ bus: ServiceClient) async throws -> ReplayView {
        _ = try await bus.command(
            BusCall.startReplay,
            ReplayDefinition(name: name, pattern: #"{"category":["\#(name)"]}"#, queue: name))
        while true {
            let views = try await bus.query(BusCall.replays, Nothing(), as: [ReplayView].self)
            guard let view = views.first(where: { $0.replay.name == name }) else { continue }
            guard let end = view.endedAt else { continue }
            precondition(view.state == .completed, view.reason ?? "the replay was cancelled")
            var measurements = Measurements("replay")
            measurements.add("events", Double(view.delivered))
            measurements.add(
                "events_per_second", Double(view.delivered) / ((end - view.startedAt) / .seconds(1))
            )
            try measurements.show()
            return view
        }
    }

    private func take(_ consumer: QueueConsumer) async throws -> Int {
        var taken = 0
        while true {
            let deliveries = try await consumer.receive(batch, wait: .milliseconds(200))
            guard !deliveries.isEmpty else { break }
            try await consumer.acknowledge(
                deliveries.map {
                    Acknowledgement(sequence: $0.sequence, lease: $0.lease, .acknowledged)
                })
            taken += deliveries.count
        }
        await consumer.close()
        return taken
    }
}
