import EventSourcing
import EventStoreClient
import Foundation
import HistoryChecker
import IntegrationHarness
import Synchronization
import TestSupport
import Testing
import WireProtocol

/// A whole suite under load and disturbances, for `scripts/torture`, which sets the environment:
/// `DAYBOOK_TORTURE_MINUTES`, `DAYBOOK_TORTURE_SEED`, `DAYBOOK_TORTURE_DISK` if the disk may be
/// filled, `DAYBOOK_TORTURE_CLOCK` with the library that shifts clocks, and
/// `DAYBOOK_TORTURE_ATTACK` with the program of hostile clients.
@Suite(
    .mayBlock, .serialized, .enabled(if: Endpoints.environment("DAYBOOK_TORTURE_MINUTES") != nil))
struct `Suite under torture` {
    private static let minutes =
        Endpoints.environment("DAYBOOK_TORTURE_MINUTES").flatMap(Double.init) ?? 1
    private static let seed =
        Endpoints.environment("DAYBOOK_TORTURE_SEED").flatMap(UInt64.init)
        ?? .random(in: 0...(.max))

    @Test func `Every promise is kept, whatever happens to the processes, clocks and disk`()
        async throws
    {
        print("seed \(Self.seed)")
        let suite = try Suite()
        if let library = Endpoints.environment("DAYBOOK_TORTURE_CLOCK") {
            suite.environment["LD_PRELOAD"] = library
            suite.environment["DAYBOOK_CLOCK"] = "\(suite.home)/clock"
        }
        var disturbance = try Disturbance(
            suite, fillsDisk: Endpoints.environment("DAYBOOK_TORTURE_DISK") != nil)
        try await suite.startAll()
        let accounts = try await AccountLoad(suite)
        try await accounts.openAccounts()
        let sagas = try await SagaLoad(suite)
        let attack = try Attack(on: suite)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for seed in 0..<4 {
                group.addTask {
                    try await accounts.work(seed: UInt64(seed), pause: .milliseconds(25))
                }
                group.addTask {
                    try await sagas.work(seed: UInt64(seed), pause: .milliseconds(200))
                }
            }
            try await disturb(&disturbance)
            attack?.end()
            accounts.stop()
            sagas.stop()
            try await group.waitForAll()
        }
        let counts = disturbance.counts.map { "\($0) \($1)" }.sorted().joined(separator: ", ")
        print("disturbances: \(counts)")
        let placed = Set(sagas.placed)
        let store = try await suite.eventStore()
        let progress = Progress()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { progress.hasEnded.store(true, ordering: .relaxed) }
                try await waitForEnd(of: placed, at: store)
            }
            // A process may find out only now that its disk was full, and end.
            while !progress.hasEnded.load(ordering: .relaxed) {
                try disturbance.restart()
                try await lookAgainSoon()
            }
            try await group.waitForAll()
        }
        await store.close()
        try await check(suite, accounts, sagas)
        await accounts.close()
        await sagas.close()
    }

    private func disturb(_ disturbance: inout Disturbance) async throws {
        var random = SplitMix(state: Self.seed)
        let end = ContinuousClock.now + .seconds(Self.minutes * 60)
        while ContinuousClock.now < end {
            // The suite must also get on undisturbed, or the load would wait all the time.
            try await Task.sleep(for: .seconds(.random(in: 0.3...3, using: &random)))
            try await disturbance.disturb(&random)
        }
    }

    /// Waits until the saga of each order has ended.
    private func waitForEnd(of orders: Set<String>, at store: EventStoreClient) async throws {
        var open = orders
        let ends = try await store.subscribe(.types(["OrderConfirmed", "OrderRejected"]))
        while !open.isEmpty {
            for event in try await ends.next().events { open.remove(event.stream.id) }
        }
    }

    private func check(
        _ suite: IntegrationHarness.Suite, _ accounts: AccountLoad, _ sagas: SagaLoad
    ) async throws {
        // A dead letter would be a fault: no event of this load is bad.
        let letters = try suite.run("event-store", "dlq", "list", "--json")
        #expect(letters.output.isEmpty, "\(letters.output.prefix(2000))")
        let audit = try suite.audit()
        #expect(audit.status == 0, "\(audit.output) \(audit.errors)")
        let calls = accounts.calls
        let events = try await suite.accountEvents()
        let findings = HistoryChecker(calls, events) { !["hot1", "hot2"].contains($0.stream.id) }
            .findings()
        #expect(findings.isEmpty, "\(findings.prefix(10)), \(findings.count) in all")
        let answers = Dictionary(grouping: calls) { "\($0.answer)".prefix { $0 != "(" } }
            .map { "\($0) \($1.count)" }.sorted().joined(separator: ", ")
        print("movements: \(answers)")
        let placed = Set(sagas.placed).count
        print("orders placed and ended: \(placed), without an answer: \(sagas.unknown)")
        for process in ["event-store"] + Suite.services {
            #expect(suite.terminate(process) == 0, "\(process): \(suite.log(of: process))")
        }
        try suite.succeed("event-store", "verify", "--chain")
    }
}

private final class Progress: Sendable {
    let hasEnded = Atomic<Bool>(false)
}

/// Hostile clients beside the load.
private final class Attack {
    private let suite: IntegrationHarness.Suite

    /// Returns nil if no program is given.
    init?(on suite: IntegrationHarness.Suite) throws {
        guard let program = Endpoints.environment("DAYBOOK_TORTURE_ATTACK") else { return nil }
        self.suite = suite
        try suite.start("attack", command: [program, "--home", suite.home, "--connections", "64"])
    }

    func end() { suite.kill("attack") }
}
