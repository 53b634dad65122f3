import EventSourcing
import EventStoreClient
import Foundation
import IntegrationHarness
import TestSupport
import Testing
import WireProtocol

@Suite(.mayBlock, .serialized, .timeLimit(.minutes(10))) struct `Import of history into a suite` {
    @Test func `Suite that imports another one's log shows the same, and goes on from there`()
        async throws
    {
        let (from, to) = (try await History.suite(orders: 100), try Suite())
        try await to.startAll()
        let file = "\(from.home)/log.jsonl"
        let exported = try from.exported(to: file)
        // A part of the file, then all of it, killed at an unknown point, and all of it again.
        let part = "\(from.home)/part.jsonl"
        let whole = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
        try Data((whole.prefix(700).joined(separator: "\n") + "\n").utf8)
            .write(to: URL(filePath: part))
        #expect(
            try to.succeed("event-store", "import", part)
                == "700 events imported, 0 were there already\n")
        let store = try await to.eventStore()
        let reached = try await store.welcome().head
        try to.start("import", command: ["event-store", "import", file])
        while to.isRunning("import"), try await store.welcome().head == reached {
            try await lookAgainSoon()
        }
        to.kill("import")
        try to.succeed("event-store", "import", file)
        let again = try to.succeed("event-store", "import", file)
        #expect(again == "0 events imported, \(exported.count) were there already\n")

        // Nothing was added to the log, not even an event that a participant appended.
        let audit = try to.audit()
        #expect(audit.status == 0, "\(audit)")
        #expect(try to.exported(to: "\(to.home)/log.jsonl") == exported)
        let events = try await from.events(.categories(["order", "account"]))
        for event in stride(from: 5, to: events.count, by: events.count / 6).map({ events[$0] }) {
            for query in [
                ["balance", "show"], ["creditLimit", "show"], ["orders", "summary"],
                ["balance", "statement", try await from.customers()[0]],
            ] {
                let past = query + ["--at", "\(event.time)"]
                #expect(try to.succeed(past) == from.succeed(past), "\(past)")
            }
        }

        // A participant finds the saga in the history when a new event continues it.
        let orders = try await to.events(.init([.init(types: ["OrderConfirmed"])])).map(\.stream.id)
        let cancelled = try await to.events(.init([.init(types: ["OrderCancelled"])]))
            .map(\.stream.id)
        let order = try #require(orders.first { !cancelled.contains($0) })
        try to.succeed("orders", "cancel", order)
        for type in ["PaymentRefunded", "RouteCancelled"] {
            let effect = try await to.event(
                matching: EventQuery([.init(types: [type], tags: ["order:\(order)"])]))
            #expect(!effect.isHistory)
        }
        let last = try to.audit()
        #expect(last.status == 0, "\(last)")
        // The past does not change.
        let past = ["balance", "show", "--at", "\(try #require(events.last).time)"]
        #expect(try to.succeed(past) == from.succeed(past))
        await store.close()
    }
}

extension Suite {
    /// Exports the log to a new file without the store's own events, and returns its lines without
    /// what belongs to the log alone.
    fileprivate func exported(to file: String) throws -> [String] {
        try succeed("event-store", "export", file)
        let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
            .filter { !$0.contains(#""subject":"$"#) }
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(filePath: file))
        return lines.map {
            String($0).replacing(#/"(source|position)":"[^"]*",/#, with: "")
        }
    }
}
