import ArgumentParser
import EventSourcing
import EventStoreClient
import Foundation
import ZeroMQ

/// Measures appends with a fixed number of concurrent requests.
struct AppendBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "append", abstract: "Measure appends of events.")

    @Option(help: "The event store's endpoint.") var endpoint: String
    @Option(help: "The number of concurrent requests.") var outstanding = 64
    @Option(help: "The number of events in each request.") var batch = 1
    @Option(help: "How long to append, in seconds.") var seconds = 3.0
    @Option(help: "The number of streams to append to.") var streams: UInt64 = 1000

    func run() async throws {
        let loop = SocketLoop(name: "client")
        let client = try await EventStoreClient(endpoint: endpoint, on: loop, in: Context())
        _ = try await client.welcome()
        let (names, batch) = (try Load.streams(streams), batch)
        let started = ContinuousClock.now
        let end = started + .seconds(seconds)
        let latencies = try await withThrowingTaskGroup(of: [Duration].self) { group in
            for writer in 0..<outstanding {
                group.addTask(executorPreference: loop) {
                    try await Self.write(client, names, from: writer * 7, batch: batch, until: end)
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        var measurements = Measurements("append")
        measurements.add("outstanding", Double(outstanding))
        measurements.add("batch", Double(batch))
        measurements.add(
            "events_per_second",
            Double(latencies.count * batch) / ((ContinuousClock.now - started) / .seconds(1)))
        measurements.add(latencies: latencies)
        try measurements.show()
        await client.close()
    }

    private static func write(
        _ client: EventStoreClient, _ names: [StreamName], from first: Int, batch: Int,
        until end: ContinuousClock.Instant
    ) async throws -> [Duration] {
        var latencies: [Duration] = []
        var number = first
        var begun = ContinuousClock.now
        while begun < end {
            let events = (0..<batch).map { Load.event(in: names[(number + $0) % names.count]) }
            number += batch
            _ = try await client.append(events)
            let now = ContinuousClock.now
            latencies.append(now - begun)
            begun = now
        }
        return latencies
    }
}
