import EventSourcing
import EventStoreClient
import Foundation
import IntegrationHarness
import TestSupport
import Testing
import WireProtocol

/// Worker processes handle events from two queues while the workers and the store are killed at
/// random. `DAYBOOK_KILL_SECONDS` sets for how many seconds (default: 10).
@Suite(.mayBlock, .serialized, .timeLimit(.minutes(10))) struct `Event bus under random kills` {
    private static let workers = ["ordered-1", "ordered-2", "any-1"]
    /// Longer than a command takes on a busy machine, even if its worker was killed meanwhile. If a
    /// command overran it, another worker would handle the same event.
    private static let visibility = "5"
    private static let seconds =
        Endpoints.environment("DAYBOOK_KILL_SECONDS").flatMap(Double.init) ?? 10

    @Test func `Each event is acknowledged once or dead-lettered, whichever process is killed`()
        async throws
    {
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

    /// Starts a worker that notes each event it has handled. A poisoned event always fails.
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

    /// Appends until cancelled, through kills of the store and no faster than the workers handle
    /// events. Returns how many events it appended.
    private static func append(
        to store: EventStoreClient, heeding bus: ServiceClient
    ) async throws -> Int {
        var count = 0
        while !Task.isCancelled {
            let kind = count % 40 == 7 ? "poison" : "food"
            let text = #"{"group":"g\#(count % 9)","text":"\#(kind)"}"#
            let event = NewEvent(
                stream: try StreamName("load-1"), type: "Load", data: Array(text.utf8))
            // A task of its own is not cancelled, so that the test knows whether the event was
            // appended.
            _ = try await Task { try await store.append([event], timeout: .seconds(120)) }.value
            count += 1
            guard count.isMultiple(of: 20) else { continue }
            while !Task.isCancelled, try await backlog(bus) > 40 {}
        }
        return count
    }

    /// How many events wait or are in flight in all queues.
    private static func backlog(_ bus: ServiceClient) async throws -> Int {
        // A task of its own gets its answer even if the caller is cancelled.
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
            // Each kill comes after a random number of further events.
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
            let view = try await drained(queue, bus, count: appended)
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
            // An event that was not acknowledged is handled again before the next one of its group.
            for (group, positions) in Dictionary(grouping: done, by: { groups[$0] ?? "" }) {
                #expect(positions == positions.sorted(), "group \(group) is out of order")
            }
        }
        await bus.close()
    }

    /// Waits until the queue is empty and has acknowledged or dead-lettered `count` events. Only
    /// the suite's time limit ends the wait.
    private func drained(
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
