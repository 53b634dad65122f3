import EventSourcing
import EventStoreClient
import Foundation
import IntegrationHarness
import TestSupport
import Testing
import WireProtocol

@Suite(.mayBlock, .serialized, .timeLimit(.minutes(10))) struct `Replay commands` {
    private let suite: IntegrationHarness.Suite
    private let store: EventStoreClient

    init() async throws {
        suite = try Suite()
        try suite.start("event-store")
        store = try await suite.eventStore()
    }

    private func replay(_ name: String) throws -> ReplayView {
        try #require(try suite.bus(ReplayView.self, "replays", "show", name).first)
    }

    /// Receives and acknowledges all events of the queue and returns them in delivery order.
    private func drain(_ queue: String) async throws -> [Delivery] {
        let consumer = try await store.consumer(of: queue)
        var all: [Delivery] = []
        while true {
            let some = try await consumer.receive(1000, wait: .zero)
            guard !some.isEmpty else { break }
            all += some
            try await consumer.acknowledge(
                some.map { Acknowledgement(sequence: $0.sequence, lease: $0.lease, .acknowledged) })
        }
        await consumer.close()
        return all
    }

    @Test func `Dry run shows what a replay delivers, and the replay delivers it`() async throws {
        try suite.makeQueue("q")
        try suite.bus("queues", "create", "p")
        try suite.bus(
            "rules", "put", "even", "--pattern", #"{"category": ["even"]}"#, "--target", "p")
        try await store.append(0..<50)
        try suite.bus("queues", "purge", "q", "--yes")
        try suite.bus("queues", "purge", "p", "--yes")
        let start = ["event-store", "replays", "start", "r", "--from-log", "--to", "to-q", "even"]
        let dry = try suite.run(start + ["--dry-run"])
        #expect(
            dry.output == """
                queue  events
                p      25
                q      50
                50 events match, positions 5 to 54

                """, "\(dry)")
        #expect(try suite.bus(ReplayView.self, "replays", "list").isEmpty)
        let run = try suite.run(start + ["--wait"])
        #expect(run.status == 0 && run.output.contains("COMPLETED"), "\(run)")
        let (q, p) = (try await drain("q"), try await drain("p"))
        #expect(q.map(\.event.position) == Array(5...54) && p.count == 25)
        #expect((q + p).allSatisfy { $0.replay == "r" })
        #expect(Set(q.map(\.rule)) == ["to-q"] && Set(p.map(\.rule)) == ["even"])
        await store.close()
    }

    @Test func `Replays can be paused, resumed, watched and cancelled`() async throws {
        try await store.append(0..<200)
        // It would take more than half an hour, so it can't end meanwhile.
        try suite.bus(
            "replays", "start", "r", "--from-log", "--to-queue", "q", "--rate", "0.1/s")
        try suite.bus("replays", "pause", "r")
        let rested = try replay("r")
        #expect(rested.state == .paused && rested.delivered < 200)
        try suite.bus("replays", "resume", "r")
        #expect(try replay("r").state == .running)
        try suite.bus("replays", "cancel", "r")
        #expect(try replay("r").state == .cancelled)
        let again = try suite.failure(65, "replays", "cancel", "r")
        #expect(again == "event-store: replay 'r' is over: CANCELLED\n")
        try suite.bus(
            "replays", "start", "s", "--from-log", "--to-queue", "q", "--speed", "2x")
        let views = try suite.bus(ReplayView.self, "replays", "show", "s", "--watch")
        #expect(views.last?.state == .completed && views.last?.delivered == 200)
        #expect(zip(views, views.dropFirst()).allSatisfy { $0.position <= $1.position })
        let list = try suite.bus(ReplayView.self, "replays", "list")
        #expect(list.map(\.replay.name) == ["s", "r"])
        await store.close()
    }

    @Test func `Replay commands reject unknown names and invalid options`() async throws {
        let start = ["replays", "start", "r"]
        for (status, arguments, reason) in [
            (65, ["--from-log", "--to", "none"], "there is no rule 'none'"),
            (65, ["--from-archive", "none", "--to-queue", "q"], "there is no archive 'none'"),
            (64, ["--to-queue", "q"], "give --from-archive or --from-log"),
            (64, ["--from-log"], "give --to or --to-queue"),
            (64, ["--from-log", "--to-queue", "q", "--rate", "5/m"], "such as 5 or 5/s"),
            (
                64,
                [
                    "--from-log", "--to-queue", "q", "--since", "2026-02-01", "--until",
                    "2026-01-01",
                ],
                "is not before"
            ),
            (65, ["--from-log", "--to-queue", "a b"], "the name of a queue is"),
        ] as [(Int32, [String], String)] {
            let run = try suite.run(["event-store"] + start + arguments)
            #expect(run.status == status && run.errors.contains(reason), "\(run)")
        }
        for command in ["show", "pause", "resume", "cancel"] {
            let failure = try suite.failure(65, "replays", command, "none")
            let advice = "list them with: event-store replays list"
            #expect(failure == "event-store: there is no replay 'none'; \(advice)\n")
        }
        await store.close()
    }

    @Test(arguments: ["--from-log", "--from-archive=all"])
    func `Replay enqueues each event once although the store is killed`(
        source: String
    ) async throws {
        try suite.bus("archives", "create", "all", "--to", suite.home + "/archives")
        try await store.append(0..<600)
        try suite.bus("queues", "create", "q", "--grouping", "unordered")
        let store = store
        let appending = Task {
            for number in 600..<700 { try await store.append(number..<number + 1) }
        }
        try suite.bus(
            "replays", "start", "r", source, "--to-queue", "q", "--rate", "300/s", "--pattern",
            Suite.pattern)
        var delivered: UInt64 = 0
        for _ in 0..<4 {
            delivered = try await suite.wait(for: BusCall.replays, as: [ReplayView].self) {
                $0.delivered > delivered + 40 || $0.state.isEnd
            }.delivered
            suite.kill("event-store")
            try suite.start("event-store")
        }
        let end = try #require(
            try suite.bus(ReplayView.self, "replays", "show", "r", "--watch").last)
        try await appending.value
        #expect(end.state == .completed && end.delivered >= 600)
        var expected: [UInt64] = []
        for try await event in store.read(ReadRequest(from: 1, to: end.last)).events
        where ["even", "odd"].contains(event.category) { expected.append(event.position) }
        let deliveries = try await drain("q")
        #expect(deliveries.map(\.event.position) == expected)
        #expect(deliveries.allSatisfy { $0.replay == "r" } && deliveries.count == end.delivered)
        await store.close()
    }
}
