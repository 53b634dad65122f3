import ArgumentParser
import Contracts
import EventSourcing
import EventStoreClient
import Foundation
import WireProtocol
import ZeroMQ

/// Measures the time from an append until a query of another process includes the event.
struct ProjectionBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "projection",
        abstract: "Credit an account, and wait until the balance service shows it.")

    @Option(help: "The folder of the suite's state.") var home = Endpoints.home
    @Option(help: "The id of an open account.") var account: String
    @Option(help: "The number of credits.") var count = 2000

    func run() async throws {
        let store = try await EventStoreClient(
            endpoint: Endpoints.eventStore(home: home), on: SocketLoop(name: "client"),
            in: Context())
        let balance = try await ServiceClient(
            endpoint: Endpoints.endpoint(of: "balance", home: home), of: "balance",
            timeout: .seconds(30),
            actor: "benchmark")
        let shown = try await balance.query("account", account, as: AccountView.self)
        let credited = AccountEvent.credited(
            MoneyCredited(
                account: account, amount: Money(1, shown.currency),
                repaid: Money(0, shown.currency), reference: "benchmark"))
        let stream = try StreamName(category: MoneyCredited.category, id: account)
        var latencies: [Duration] = []
        for _ in 0..<count {
            let event = NewEvent(
                stream: stream, type: credited.type, tags: credited.tags,
                data: try credited.encoded())
            let begun = ContinuousClock.now
            let appended = try await store.append([event])
            _ = try await balance.query(
                "account", account, atLeast: appended.last, as: AccountView.self)
            latencies.append(ContinuousClock.now - begun)
        }
        var measurements = Measurements("projection")
        measurements.add("count", Double(count))
        measurements.add(latencies: latencies)
        try measurements.show()
        await store.close()
        await balance.close()
    }
}
