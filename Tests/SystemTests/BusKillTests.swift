import EventSourcing
import EventStoreClient
import Foundation
import IntegrationHarness
import TestSupport
import Testing
import WireProtocol

/// Events in groups that workers, real processes, take from two queues, while they and the store
/// are killed at random. `DAYBOOK_KILL_SECONDS` says for how long.
@Suite(.mayBlock, .serialized, .timeLimit(.minutes(10))) struct `The bus under fire` {
    private static let workers = ["ordered-1", "ordered-2", "any-1"]
    /// Longer than a command takes on a busy machine, even if its worker was killed meanwhile: one
    /// that overran it would be handled again by another worker.
    private static let visibility = "5"
    private static let seconds =
        Endpoints.environment("DAYBOOK_KILL_SECONDS").flatMap(Double.init) ?? 10

    @Test func `has each event acknowledged once or dead, whatever is killed`() async throws {
        let suite = try Suite()
        try suite.start("event-store")
        try define(suite)
        for worker in Self.workers { try start(worker, suite) }
        let store = try await suite.eventStore()
        let bus = try await suite.client(of: "bus")
        let appending = Task { try await Self.append(to: store, heeding: bus) }
        try await kill(suite, until: .now + .seconds(Self.seconds))
        appending.cancel()
        let appended = try await appending.value
        await bus.close()
        await store.close()
        try await check(suite, appended)
    }

    private func define(_ suite: Suite) throws {
        let quick = [
            "--visibility-timeout", Self.visibility, "--backoff", "0.05", "--maximum-backoff",
            "0.2",
            "--maximum-receives", "20", "--after-death", "go-on",
        ]
        for (queue, grouping) in [("ordered", "path:group"), ("any", "unordered")] {
            let made = try suite.run(
                ["event-store", "queues", "create", queue, "--grouping", grouping] + quick)
            #expect(made.status == 0, "\(made.errors)")
            let put = try suite.run(
                "event-store", "rules", "put", queue, "--pattern", #"{"detail-type":["Load"]}"#,
                "--target", queue)
            #expect(put.status == 0, "\(put.errors)")
        }
    }

    /// A worker notes each event that it is done with; one that is poisoned fails always.
    private func start(_ worker: String, _ suite: Suite) throws {
        let queue = String(worker.prefix { $0 != "-" })
        let script = """
            event=$(cat)
            case $event in *poison*) echo poisoned >&2; exit 1 ;; esac
            echo $DAYBOOK_POSITION >>\(suite.home)/\(queue).done
            """
        try suite.start(
            worker,
            command: [
                "event-store", "queues", "work", queue, "--exec", script, "--concurrency", "4",
                "--visibility-timeout", Self.visibility,
            ])
    }

    /// Appends until cancelled, over kills of the store, as fast as the workers come along; gives
    /// how many events.
    private static func append(
        to store: EventStoreClient, heeding bus: ServiceClient
    ) async throws -> Int {
        var count = 0
        while !Task.isCancelled {
            let kind = count % 40 == 7 ? "poison" : "food"
            let text = #"{"group":"g\#(count % 9)","text":"\#(kind)"}"#
            let event = NewEvent(
                stream: try StreamName("load-1"), type: "Load", data: Array(text.utf8))
            // Not part of the task that is cancelled: whether it was appended is to be known.
            _ = try await Task { try await store.append([event], timeout: .seconds(120)) }.value
            count += 1
            guard count.isMultiple(of: 20) else { continue }
            while !Task.isCancelled, try await backlog(bus) > 40 {}
        }
        return count
    }

    /// How many deliveries are still to be made, in all.
    private static func backlog(_ bus: ServiceClient) async throws -> Int {
        // Asked to the end, be the one who asks cancelled.
        let asking = Task {
            try await bus.query(BusCall.queues, Nothing(), as: [QueueView].self)
        }
        return try await asking.value.reduce(0) { $0 + Int($1.depth + $1.inFlight) }
    }

    private func kill(_ suite: Suite, until end: ContinuousClock.Instant) async throws {
        var kills = 0
        let store = try await suite.eventStore()
        let events = try await store.subscribe(.types(["Load"]))
        while ContinuousClock.now < end || kills < 5 {
            // At random is the point of it: after so many events more.
            var left = Int.random(in: 5...50)
            while left > 0 { left -= try await events.next().events.count }
            let victim = (Self.workers + ["event-store"]).randomElement() ?? "event-store"
            suite.kill(victim)
            kills += 1
            if victim == "event-store" {
                try suite.start(victim)
            } else {
                try start(victim, suite)
            }
        }
        await store.close()
    }

    private func check(_ suite: Suite, _ appended: Int) async throws {
        let store = try await suite.eventStore()
        var groups: [UInt64: String] = [:]
        var poisoned: Set<UInt64> = []
        let query = EventQuery([.init(types: ["Load"])])
        for try await event in store.read(ReadRequest(query)).events {
            let data = String(decoding: event.data, as: UTF8.self)
            groups[event.position] = String(data.prefix { $0 != "," })
            if data.contains("poison") { poisoned.insert(event.position) }
        }
        await store.close()
        #expect(groups.count == appended)
        let bus = try await suite.client(of: "bus")
        for queue in ["ordered", "any"] {
            let view = try await settled(queue, bus, count: appended)
            #expect(Int(view.acknowledged) + view.deadLetters == appended)
            let letters: [DeadLetterView] = try await bus.query(
                BusCall.deadLetters, DeadLettersRequest(.init(queue: queue), limit: 1000))
            let dead = Set(letters.map(\.letter.position))
            #expect(letters.count == view.deadLetters && dead.count == letters.count)
            #expect(dead.isSuperset(of: poisoned))
            let done = try String(contentsOfFile: "\(suite.home)/\(queue).done", encoding: .utf8)
                .split(separator: "\n").compactMap { UInt64($0) }
            #expect(Set(done).union(dead) == Set(groups.keys))
            guard queue == "ordered" else { continue }
            // One that was done again, for it was not acknowledged, was so before the next began.
            for (group, positions) in Dictionary(grouping: done, by: { groups[$0] ?? "" }) {
                #expect(positions == positions.sorted(), "group \(group) is out of order")
            }
        }
        await bus.close()
    }

    /// The queue once nothing is left in it and it has accounted for so many events, however long
    /// that takes: the suite's time limit ends it.
    private func settled(
        _ queue: String, _ bus: ServiceClient, count: Int
    ) async throws -> QueueView {
        while true {
            let views: [QueueView] = try await bus.query(BusCall.queues, Nothing())
            if let view = views.first(where: { $0.queue.name == queue }),
                view.depth + view.inFlight == 0,
                Int(view.acknowledged) + view.deadLetters >= count
            {
                return view
            }
        }
    }
}
