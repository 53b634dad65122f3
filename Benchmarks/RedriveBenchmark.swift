import ArgumentParser
import EventSourcing
import EventStoreClient
import WireProtocol
import ZeroMQ

/// Measures how long a redrive of many dead letters takes, and how long another queue's consumer
/// waits for its events meanwhile.
struct RedriveBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "redrive",
        abstract: "Redrive dead letters while another queue delivers events.")

    @Option(help: "The event store's endpoint.") var endpoint: String
    @Option(help: "The number of dead letters, made before the measurement.") var letters = 10_000
    @Option(help: "An unused name for the queues, the rules and the categories.") var name: String

    private var other: String { "\(name)other" }

    func run() async throws {
        let loop = SocketLoop(name: "client")
        let store = try await EventStoreClient(endpoint: endpoint, on: loop, in: Context())
        let bus = try await ServiceClient(
            endpoint: try await store.busEndpoint(), of: "event-store", timeout: .seconds(600),
            actor: "bench")
        try await makeQueues(bus)
        try await makeLetters(store, bus)
        let idle = try await measureOther(store, during: .seconds(2))
        let redriving = Task(executorPreference: loop) {
            let started = ContinuousClock.now
            let command = CloseDeadLetters(DeadLetterSelection(queue: name))
            let reply = try await bus.command(BusCall.redrive, command)
            return (count: reply.events.count, time: ContinuousClock.now - started)
        }
        let busy = try await measureOther(store, until: redriving)
        let redriven = try await redriving.value
        precondition(redriven.count == letters, "\(redriven.count) letters were counted")
        var measurements = Measurements("redrive")
        measurements.add("letters", Double(letters))
        measurements.add("milliseconds", redriven.time / .milliseconds(1))
        measurements.add("slowest_us", (busy.max() ?? .zero) / .microseconds(1))
        measurements.add(latencies: busy)
        try measurements.show()
        var before = Measurements("receive-before-redrive")
        before.add(latencies: idle)
        try before.show()
        await store.close()
        await bus.close()
    }

    private func makeQueues(_ bus: ServiceClient) async throws {
        let retry = RetryPolicy(maximumReceives: 1)
        for queue in [name, other] {
            _ = try await bus.command(
                BusCall.putQueue, QueueDefinition(name: queue, grouping: .unordered, retry: retry))
            _ = try await bus.command(
                BusCall.putRule,
                RuleDefinition(
                    name: queue, pattern: #"{"category":["\#(queue)"]}"#,
                    targets: [.queue(queue)]))
        }
    }

    /// Appends events, and fails the delivery of each.
    private func makeLetters(_ store: EventStoreClient, _ bus: ServiceClient) async throws {
        let stream = try StreamName(category: name, id: "0")
        for first in stride(from: 0, to: letters, by: 500) {
            _ = try await store.append(
                (first..<min(first + 500, letters)).map { _ in Load.event(in: stream) })
        }
        let consumer = try await store.consumer(of: name)
        var failed = 0
        while failed < letters {
            let deliveries = try await consumer.receive(1000)
            failed += deliveries.count
            try await consumer.acknowledge(
                deliveries.map {
                    Acknowledgement(
                        sequence: $0.sequence, lease: $0.lease, .failed(error: "no", delay: nil))
                })
        }
        await consumer.close()
        while try await bus.query(BusCall.queues, Nothing(), as: [QueueView].self)
            .first(where: { $0.queue.name == name })?.deadLetters != letters
        {
            // The bus has no call that waits for dead letters, so this polls.
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    /// Sends events to the other queue for a time. Returns how long each took from its append until
    /// its acknowledgement was confirmed.
    private func measureOther(
        _ store: EventStoreClient, during time: Duration
    ) async throws -> [Duration] {
        // The length of the measurement.
        let end = Task { try await Task.sleep(for: time) }
        return try await measureOther(store, until: end)
    }

    /// Sends events to the other queue until the task has ended.
    private func measureOther<Value: Sendable>(
        _ store: EventStoreClient, until task: Task<Value, any Error>
    ) async throws -> [Duration] {
        let isOver = Over()
        let watching = Task {
            _ = await task.result
            await isOver.set()
        }
        let stream = try StreamName(category: other, id: "0")
        let consumer = try await store.consumer(of: other)
        var latencies: [Duration] = []
        while await !isOver.value {
            let started = ContinuousClock.now
            _ = try await store.append([Load.event(in: stream)])
            var deliveries: [Delivery] = []
            while deliveries.isEmpty { deliveries = try await consumer.receive(1) }
            try await consumer.acknowledge(
                deliveries.map {
                    Acknowledgement(sequence: $0.sequence, lease: $0.lease, .acknowledged)
                })
            latencies.append(ContinuousClock.now - started)
        }
        await watching.value
        await consumer.close()
        return latencies
    }
}

/// Whether a task has ended.
private actor Over {
    private(set) var value = false

    func set() { value = true }
}
