import ArgumentParser
import EventSourcing
import EventStoreClient
import Foundation
import WireProtocol
import ZeroMQ

/// Measures one reader that reads the whole log and visits every event.
struct ReadBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "read", abstract: "Read the whole log.")

    @Option(help: "The event store's endpoint.") var endpoint: String

    func run() async throws {
        let client = try await EventStoreClient(
            endpoint: endpoint, on: SocketLoop(name: "client"), in: Context())
        _ = try await client.welcome()
        let started = ContinuousClock.now
        var events = 0
        var bytes = 0
        var last: UInt64 = 0
        try await client.read(ReadRequest(from: 1, credit: 8, chunkBytes: 1 << 20)) { records in
            for event in records {
                precondition(event.position == last + 1, "the log has a gap")
                last = event.position
                bytes += event.data.count
                events += 1
            }
        }
        let seconds = (ContinuousClock.now - started) / .seconds(1)
        var measurements = Measurements("read")
        measurements.add("events", Double(events))
        measurements.add("events_per_second", Double(events) / seconds)
        measurements.add("mib_per_second", Double(bytes) / seconds / 1_048_576)
        try measurements.show()
        await client.close()
    }
}
