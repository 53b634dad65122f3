import Contracts
import EventSourcing
import EventStoreClient
import Foundation
import IntegrationHarness
import TestSupport
import Testing
import WireProtocol

@Suite(.mayBlock, .serialized, .timeLimit(.minutes(10))) struct `Evolution of events` {
    @Test func `Services read a log of an earlier version and complete its open sagas`()
        async throws
    {
        let suite = try Suite()
        let rules = try String(contentsOfFile: Suite.rules, encoding: .utf8)
        let oldRules = "\(suite.home)/rules.json"
        try rules.replacing(#""RouteCreated.2", "#, with: "").write(
            toFile: oldRules, atomically: true, encoding: .utf8)
        try await suite.importOldLog(rules: oldRules)
        let applied = try suite.succeed("event-store", "rules", "apply", Suite.rules)
        #expect(applied.contains("rule balance-reserve: changed"), "\(applied)")
        try suite.startServices()
        for number in 1...6 {
            #expect(try await suite.ended("p\(number)").status == .confirmed)
        }
        let audit = try suite.audit()
        #expect(audit.status == 0, "\(audit)")
        // The old route was not planned again. New routes have the new version.
        #expect(
            try suite.types("order:p3").filter { $0.hasPrefix("RouteC") }
                == ["RouteCreated", "RouteConfirmed"])
        #expect(try suite.types("order:p1").contains("RouteCreated.2"))
        let route = try suite.succeed("route", "show", "a1", "--json")
        #expect(route.contains(#""meters":"#) && !route.contains("kilometers"), "\(route)")

        // A decider folds the old route, and a participant reacts to the decision.
        try suite.succeed("orders", "cancel", "a1")
        _ = try await suite.event(
            matching: EventQuery([.init(types: ["PaymentRefunded"], tags: ["order:a1"])]))
        #expect(try suite.audit().status == 0)
        #expect(try suite.types("order:a1").last { $0.hasPrefix("Route") } == "RouteCancelled")
        for (service, query) in [("orders", ["list", "alice"]), ("route", ["show", "a1"])] {
            let before = try suite.succeed([service] + query + ["--json"])
            try suite.succeed(service, "rebuild")
            #expect(try suite.succeed([service] + query + ["--json"]) == before)
        }
    }

    @Test func `Export with --upcast writes every event in its current version`() async throws {
        let (suite, other) = (try Suite(), try Suite())
        try suite.start("event-store")
        try suite.succeed("event-store", "import", Suite.logOfOld)
        let (whole, asItIs) = ("\(suite.home)/today.jsonl", "\(suite.home)/log.jsonl")
        try suite.succeed("event-store", "export", "--upcast", whole)
        try suite.succeed("event-store", "export", asItIs)
        let lines = try [whole, asItIs].map {
            try String(contentsOfFile: $0, encoding: .utf8).split(separator: "\n")
        }
        #expect(lines[0].count == lines[1].count)
        let changed = zip(lines[0], lines[1]).filter { $0 != $1 }
        #expect(changed.count == 29)
        for (today, old) in changed {
            #expect(today.contains(#""type":"RouteCreated.2""#) && old.contains("kilometers"))
            #expect(today.prefix { $0 != "," } == old.prefix { $0 != "," })
        }
        let some = try suite.succeed(
            "event-store", "export", "--upcast", "--type", "RouteCreated.2")
        #expect(some.split(separator: "\n") == changed.map(\.0))

        // The services work on the exported log as on the original.
        try await other.importOldLog(whole)
        try other.startServices()
        for number in 1...6 { _ = try await other.ended("p\(number)") }
        let audit = try other.audit()
        #expect(audit.status == 0, "\(audit)")

        try suite.succeed(
            "event-store", "append", "--stream", "route-x", "--type", "RoutePainted", "--data",
            "{}", "--unchecked")
        let run = try suite.run("event-store", "export", "--upcast", "-")
        #expect(
            run.status == 65 && run.errors.contains("RoutePainted at position"), "\(run.errors)")
    }

    @Test func `Redriven dead letter of an earlier event version is handled`() async throws {
        let suite = try Suite()
        try await suite.importOldLog {
            try await $0.limit("balance", RetryPolicy(maximumAge: 0.1))
        }
        let (_, letter) = try await suite.deadLetter(of: "p3")
        #expect(letter.type == "RouteCreated" && letter.queue == "balance", "\(letter)")
        try await suite.limit("balance", RetryPolicy())
        try suite.startServices()
        // Events that expired before the policy changed are dead letters, some of which are not
        // listed yet.
        while try suite.audit().status != 0 {
            try suite.succeed("event-store", "dlq", "redrive", "--queue", "balance")
        }
        #expect(try await suite.ended("p3").status == .confirmed)
    }
}

extension Suite {
    /// A log from before RouteCreated had a second version. Its orders p1 to p6 are pending: p1 and
    /// p2 are placed, p3 and p4 have a route of version 1, and p5 and p6 have funds as well.
    static let logOfOld = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../ContractsTests/Samples/route-created-1.jsonl").standardizedFileURL.path

    /// Starts the services, with prices in each currency of the log.
    fileprivate func startServices() throws {
        let tariff = "\(home)/tariff.csv"
        let prices = """
            currency,handling,road,feeder,trunk
            USD,50,6,14,9
            EUR,45,5,13,8
            JPY,75,9,21,13
            """
        try prices.write(toFile: tariff, atomically: true, encoding: .utf8)
        for service in Self.services {
            try start(service, service == "route" ? ["--tariff", tariff] : [])
        }
    }

    /// Starts the event store and imports a log once the rules exist, because a rule does not match
    /// events that were appended before it. The rules deliver the log, whose sagas are open.
    fileprivate func importOldLog(
        _ log: String = logOfOld, rules: String = rules,
        prepare: (Suite) async throws -> Void = { _ in }
    ) async throws {
        try start("event-store", ["--rules", rules])
        let lastRule = try StreamName(category: BusCategory.rule, id: "orders-reject")
        _ = try await event(matching: .stream(lastRule))
        try await prepare(self)
        try succeed("event-store", "import", "--deliver", log)
    }

    /// The types of the events with the tag, in the order of the log.
    fileprivate func types(_ tag: String) throws -> [String] {
        try succeed("event-store", "read", "--tag", tag).split(separator: "\n").map {
            String($0.split(separator: "\t")[3])
        }
    }
}
