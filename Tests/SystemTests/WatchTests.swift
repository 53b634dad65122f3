import EventSourcing
import EventStoreClient
import Foundation
import IntegrationHarness
import JSON
import TestSupport
import Testing
import WireProtocol

/// What the tests read of a line of `stats --watch --json`.
private struct Glance: Decodable {
    struct Queue: Decodable { var name: String }
    struct Service: Decodable, Hashable {
        var name: String
        var lag: UInt64?
        var fault: String?
    }
    var head: UInt64
    var appendedPerSecond: Double
    var commitSeconds: Double?
    var queues: [Queue]
    var services: [Service]

    static func all(in log: String) throws -> [Glance] {
        // The last line may be incomplete.
        try log.split(separator: "\n").dropLast().map {
            try JSON.decode(Glance.self, from: $0.utf8)
        }
    }
}

@Suite(.mayBlock, .serialized, .timeLimit(.minutes(10))) struct `Watched figures` {
    @Test func `Stats --watch shows the figures of store and services until it is stopped`()
        async throws
    {
        let suite = try Suite()
        try suite.start("event-store", ["--rules", Suite.rules])
        let store = try await suite.eventStore()
        let head = try await store.welcome().head
        try suite.start("credit")
        _ = try await suite.status(of: "credit")
        try suite.start("lines", command: ["event-store", "stats", "--watch"])
        try suite.start("objects", command: ["event-store", "stats", "--watch", "--json"])
        var appended = 0
        var seen: [Glance] = []
        // Continue until a sample includes an append.
        while !seen.contains(where: { $0.commitSeconds ?? 0 > 0 }) {
            _ = try await store.append([
                NewEvent(stream: try StreamName("a-\(appended)"), type: "T", data: [])
            ])
            appended += 1
            seen = try Glance.all(in: suite.log(of: "objects"))
        }
        let busy = try #require(seen.first { $0.commitSeconds ?? 0 > 0 })
        #expect(busy.appendedPerSecond > 0)
        #expect(busy.head > head)
        #expect(busy.queues.map(\.name).contains("orders"))
        #expect(busy.services.map(\.name) == Suite.services.sorted())
        #expect(busy.services.first { $0.name == "credit" }?.lag != nil)
        #expect(busy.services.first { $0.name == "credit" }?.fault == nil)
        #expect(busy.services.first { $0.name == "route" }?.fault == "no answer")
        while !suite.log(of: "lines").contains("appended/s, a commit ") {
            try await lookAgainSoon()
        }
        #expect(!suite.log(of: "lines").contains("\u{1B}"))
        suite.signal("lines", SIGINT)
        #expect(suite.terminate("lines") == 0)
        #expect(suite.terminate("objects") == 0)
        await store.close()
    }

    /// `loyalty` is found by its folder, and `giftCards` by its endpoint in the environment.
    @Test func `Stats --watch shows services that are not in the suite's list`() async throws {
        let suite = try Suite()
        suite.environment["DAYBOOK_GIFT_CARDS_ENDPOINT"] = "ipc://\(suite.home)/nobody.sock"
        try suite.start("event-store")
        try suite.start("watch", command: ["event-store", "stats", "--watch", "--json"])
        func last() throws -> Glance? { try Glance.all(in: suite.log(of: "watch")).last }
        func loyalty() throws -> Glance.Service? {
            try last()?.services.first { $0.name == "loyalty" }
        }
        while try last() == nil { try await lookAgainSoon() }
        #expect(try loyalty() == nil)
        #expect(try last()?.services.map(\.name).contains("giftCards") == true)
        try suite.start("loyalty")
        while try loyalty()?.lag != 0 { try await lookAgainSoon() }
        suite.kill("loyalty")
        while try loyalty()?.fault != "no answer" { try await lookAgainSoon() }
        #expect(suite.terminate("watch") == 0)
    }

    @Test func `Stats --watch exits with 0 when its output is closed`() async throws {
        let suite = try Suite()
        try suite.start("event-store")
        suite.waitForSockets()
        let store = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
            .appending(path: "event-store").path
        let piped = try Conversation(
            URL(filePath: "/bin/bash"),
            ["-o", "pipefail", "-c", #""$0" stats --watch --json | head -n 1"#, store],
            environment: ["DAYBOOK_HOME": suite.home])
        #expect(await piped.line()?.hasPrefix("{") == true)
        #expect(await piped.exitStatus() == 0)
    }
}
