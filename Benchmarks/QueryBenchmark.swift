import ArgumentParser
import Contracts
import EventStoreClient
import Foundation
import WireProtocol

/// Measures queries of a service that answers from memory.
struct QueryBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "query", abstract: "Query the balance service for an account.")

    @Option(help: "The folder of the suite's state.") var home = Endpoints.home
    @Option(help: "The id of the account.") var account: String
    @Option(help: "The number of concurrent queries.") var outstanding = 64
    @Option(help: "How long to query, in seconds.") var seconds = 3.0

    func run() async throws {
        let client = try await ServiceClient(
            endpoint: Endpoints.endpoint(of: "balance", home: home), of: "balance",
            timeout: .seconds(30),
            actor: "benchmark")
        let started = ContinuousClock.now
        let end = started + .seconds(seconds)
        let latencies = try await withThrowingTaskGroup(of: [Duration].self) { group in
            for _ in 0..<outstanding {
                group.addTask {
                    var latencies: [Duration] = []
                    while true {
                        let begun = ContinuousClock.now
                        guard begun < end else { return latencies }
                        _ = try await client.query("account", account, as: AccountView.self)
                        latencies.append(ContinuousClock.now - begun)
                    }
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        var measurements = Measurements("query")
        measurements.add("outstanding", Double(outstanding))
        measurements.add(
            "queries_per_second",
            Double(latencies.count) / ((ContinuousClock.now - started) / .seconds(1)))
        measurements.add(latencies: latencies)
        try measurements.show()
        await client.close()
    }
}
