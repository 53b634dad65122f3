import Dispatch
import EventSourcing
import EventStoreClient
import IntegrationHarness
import JSON
import Logging
import ServiceRuntime
import TestSupport
import Testing
import WireProtocol
import ZeroMQ

@testable import BalanceMain

@Suite(.mayBlock, .timeLimit(.minutes(10))) struct `Service hosts` {
    @Test func `Declared service runs in a process without a command line`() async throws {
        let suite = try Suite()
        try suite.start("event-store", ["--rules", Suite.rules])
        let host = try await ServiceHost(
            BalanceService.self, NoSettings(), configuration(suite, "balance"))
        let running = Task { try await host.run() }
        try suite.succeed("balance", "open", "ann")
        #expect(try suite.succeed("balance", "show", "ann").contains("ann"))
        #expect(try suite.succeed("balance", "health").hasPrefix("healthy"))
        running.cancel()
        try await running.value
    }

    @Test
    func `Live calls are answered while a past query is computed, and its repetition joins it`()
        async throws
    {
        let suite = try Suite()
        try suite.start("event-store")
        let store = try await suite.eventStore()
        _ = try await store.append([NewEvent(stream: StreamName("a-1"), type: "T", data: [])])
        await store.close()
        let host = try await ServiceHost(
            HeldService.self, NoSettings(), configuration(suite, HeldService.name))
        let running = Task { try await host.run() }
        let peer = try await Stranger(
            .dealer, to: "ipc://\(suite.home)/held.sock", on: SocketLoop(name: "peer"))
        let id = EventID.random()
        func call(_ number: UInt64, _ name: String, asOf: Moment? = nil) async throws {
            let query = QueryRequest(asOf: asOf, id: id, query: asOf == nil ? "pass" : "hold")
            try await peer.send([
                MessageHeader(.call, requestID: number).bytes, Array(name.utf8),
                try JSON.encode(query),
            ])
        }
        func answered() async throws -> UInt64? {
            try await peer.receive()?.first.map { try MessageHeader($0.span).requestID }
        }
        try await call(1, "echo", asOf: .position(1))
        for await _ in HeldService.gate.arrivals { break }
        try await call(2, "echo", asOf: .position(1))
        for (number, name) in [(UInt64(3), "echo"), (4, "status")] {
            try await call(number, name)
            #expect(try await answered() == number)
        }
        // The gate lets one computation pass, so a second one would not answer.
        HeldService.gate.open()
        #expect(try await Set([answered(), answered()]) == [1, 2])
        HeldService.gate.open()
        running.cancel()
        try await running.value
    }

    private func configuration(
        _ suite: IntegrationHarness.Suite, _ service: String
    ) -> ServiceConfiguration {
        ServiceConfiguration(
            home: suite.home, endpoint: "ipc://\(suite.home)/\(service).sock",
            eventStoreEndpoint: "ipc://\(suite.home)/event-store.sock", metricsAddress: nil,
            logger: { Logger(label: $0) { _ in SwiftLogNoOpLogHandler() } })
    }
}

/// A service with one query, whose computation the test holds up.
private enum HeldService: Service {
    typealias Subject = BalanceService.Subject
    typealias ReadProjection = BalanceService.ReadProjection

    static let name = "held"
    static let gate = Gate()
    static let queries: [any AnsweredQuery<Self>] = [
        ServiceQuery<Self, String, String>(
            "echo",
            from: .memory { _, word in
                if word == "hold" { gate.pass() }
                return word
            })
    ]
}

/// Holds up each thread that passes, until it is opened once for it.
private final class Gate: Sendable {
    let arrivals: AsyncStream<Void>
    private let arrival: AsyncStream<Void>.Continuation
    private let openings = DispatchSemaphore(value: 0)

    init() { (arrivals, arrival) = AsyncStream.makeStream() }

    func pass() {
        arrival.yield()
        openings.wait()
    }

    func open() { openings.signal() }
}
