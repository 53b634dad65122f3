import EventSourcing
import EventStoreClient
import IntegrationHarness
import Logging
import ServiceRuntime
import TestSupport
import Testing
import WireProtocol

@testable import BalanceMain

@Suite(.mayBlock, .timeLimit(.minutes(10))) struct `Service hosts` {
    @Test func `Declared service runs in a process without a command line`() async throws {
        let suite = try Suite()
        try suite.start("event-store", ["--rules", Suite.rules])
        let host = try await ServiceHost(
            BalanceService.self, NoSettings(),
            ServiceConfiguration(
                home: suite.home, endpoint: "ipc://\(suite.home)/balance.sock",
                eventStoreEndpoint: "ipc://\(suite.home)/event-store.sock", metricsAddress: nil,
                logger: { Logger(label: $0) { _ in SwiftLogNoOpLogHandler() } }))
        let running = Task { try await host.run() }
        try suite.succeed("balance", "open", "ann")
        #expect(try suite.succeed("balance", "show", "ann").contains("ann"))
        #expect(try suite.succeed("balance", "health").hasPrefix("healthy"))
        running.cancel()
        try await running.value
    }
}
