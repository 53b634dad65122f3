import EventBus
import EventSourcing
import EventStoreClient
import EventStoreMain
import Foundation
import Logging
import Testing
import WireProtocol
import ZeroMQ

@Suite(.timeLimit(.minutes(10))) struct `Event store process` {
    @Test func `Store runs without a command line, with its log, bus and rules`() async throws {
        let home = NSTemporaryDirectory() + "daybook-" + UUID().uuidString.prefix(8)
        defer { try? FileManager.default.removeItem(atPath: home) }
        var configuration = EventStoreConfiguration(home: home) { label in
            Logger(label: label) { _ in SwiftLogNoOpLogHandler() }
        }
        configuration.wiring = try Wiring(
            Data(
                #"""
                {"queues": [{"name": "q"}],
                 "rules": [{"name": "r", "pattern": {"stream": ["s-1"]}, "targets": ["q"]}]}
                """#.utf8))
        let store = try await EventStoreProcess(configuration)
        let running = Task { try await store.run() }
        let client = try await EventStoreClient(
            endpoint: configuration.endpoint, on: SocketLoop(name: "client"), in: try Context())
        let consumer = try await client.consumer(of: "q")
        var delivered: [Delivery] = []
        // The rule takes effect at its position in the log, so events before it do not match.
        while delivered.isEmpty {
            _ = try await client.append([
                NewEvent(stream: try StreamName("s-1"), type: "T", data: Array("1".utf8))
            ])
            delivered = (try? await consumer.receive(1, wait: .milliseconds(100))) ?? []
        }
        #expect(delivered[0].rule == "r")
        await consumer.close()
        await client.close()
        running.cancel()
        await #expect(throws: CancellationError.self) { try await running.value }
    }
}
