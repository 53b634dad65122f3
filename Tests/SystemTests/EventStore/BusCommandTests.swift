import EventSourcing
import EventStoreClient
import Foundation
import IntegrationHarness
import JSON
import TestSupport
import Testing
import WireProtocol

extension IntegrationHarness.Suite {
    /// Runs a command of the event store that must succeed, and returns its output.
    @discardableResult
    func bus(_ arguments: String...) throws -> String {
        let run = try run(["event-store"] + arguments)
        #expect(run.status == 0, "\(arguments): \(run)")
        return run.output
    }

    /// Runs a command with `--json` and returns its output, decoded line by line.
    func bus<Value: Decodable>(_ type: Value.Type, _ arguments: String...) throws -> [Value] {
        let run = try run(["event-store"] + arguments + ["--json"])
        #expect(run.status == 0, "\(arguments): \(run)")
        return try run.output.split(separator: "\n").map {
            try JSON.decode(Value.self, from: $0.utf8)
        }
    }

    func queue(_ name: String) throws -> QueueView {
        try #require(try bus(QueueView.self, "queues", "show", name).first)
    }

    /// Makes a queue and a rule that delivers the events of the odd and even streams to it.
    func makeQueue(_ name: String, _ options: String...) throws {
        let create = try run(["event-store", "queues", "create", name] + options)
        #expect(create.status == 0, "\(create)")
        try bus("rules", "put", "to-\(name)", "--pattern", Self.pattern, "--target", name)
    }

    static let pattern = #"{"category": ["even", "odd"]}"#
}

/// The fields of a delivery that the tests read from `receive --json`.
private struct ReceivedLine: Decodable {
    struct Event: Decodable {
        var position: String
        var data: Int
    }
    var receipt: String
    var rule: String
    var receiveCount: Int
    var event: Event
}

@Suite(.mayBlock, .serialized, .timeLimit(.minutes(10))) struct `Bus commands` {
    private let suite: IntegrationHarness.Suite
    private let store: EventStoreClient

    init() async throws {
        suite = try Suite()
        try suite.start("event-store")
        store = try await suite.eventStore()
    }

    @Test func `Rules commands put, list, show, enable, disable and delete rules`() async throws {
        try suite.bus("queues", "create", "q")
        try suite.bus("queues", "create", "p")
        let file = "\(suite.home)/pattern.json"
        try #"{"stream": 5}"#.write(toFile: file, atomically: true, encoding: .utf8)
        let bad = try suite.run(
            "event-store", "rules", "put", "r", "--pattern", "@\(file)", "--target", "q")
        #expect(bad.status == 65 && bad.errors.contains("event pattern, line 1"), "\(bad)")
        try Suite.pattern.write(toFile: file, atomically: true, encoding: .utf8)
        let put = ["rules", "put", "r", "--pattern", "@\(file)", "--target", "q"]
        #expect(
            try suite.run(["event-store"] + put).output == "put rule r (RulePut, position 3)\n")
        #expect(try suite.run(["event-store"] + put).output == "nothing to do\n")
        _ = try suite.run(
            ["event-store"] + put + ["--target", "p", "--description", "d", "--disabled"])
        let changed = RuleDefinition(
            name: "r", description: "d", pattern: Suite.pattern, targets: ["q", "p"],
            isEnabled: false)
        #expect(try suite.bus(RuleView.self, "rules", "list").map(\.rule) == [changed])

        try suite.bus("rules", "enable", "r")
        try await store.append(0..<3)
        let view = try #require(try suite.bus(RuleView.self, "rules", "show", "r").first)
        #expect(view.rule.isEnabled && !view.isManaged)
        try suite.bus("rules", "disable", "r", "--actor", "ann")
        try suite.bus("rules", "delete", "r", "--actor", "bob")
        let history = try suite.bus("rules", "show", "r", "--history").split(separator: "\n")
        #expect(history.count == 6, "\(history)")
        #expect(
            history[4].contains("ann ")
                && history[4].hasSuffix(#"RulePut      {"isEnabled":false}"#),
            "\(history)")
        #expect(history[5].contains("bob ") && history[5].hasSuffix("RuleDeleted"), "\(history)")
        #expect(try suite.bus("rules", "list").split(separator: "\n").count == 1)
        await store.close()
    }

    @Test func `Command rules test matches events without delivering them`() async throws {
        try await store.append(0..<6)
        let event = "\(suite.home)/event.json"
        try suite.bus("read", "--json", "--limit", "1").write(
            toFile: event, atomically: true, encoding: .utf8)
        try suite.bus("queues", "create", "q")
        try suite.bus(
            "rules", "put", "r", "--target", "q", "--pattern", #"{"tags": ["number:4"]}"#)
        func test(_ arguments: String...) throws -> IntegrationHarness.Suite.Run {
            try suite.run(["event-store", "rules", "test"] + arguments)
        }
        let last = try test("--rule", "r", "--last", "500")
        #expect(last.status == 0 && last.output.hasPrefix("5\t"), "\(last)")
        #expect(last.output.hasSuffix("1 of the last 8 events match\n"), "\(last)")
        let few = try test("--rule", "r", "--last", "2")
        #expect(few.status == 1 && few.output == "0 of the last 2 events match\n", "\(few)")
        // No pattern matches the bus's own events.
        #expect(try test("--pattern", #"{"type": [{"exists": false}]}"#, "--last", "1").status == 1)
        let one = try test(
            "--pattern", #"{"position": [1], "detail-type": ["Even"]}"#, "--event", event)
        #expect(one.status == 0 && one.output == "match\n", "\(one)")
        let other = try test("--rule", "r", "--event", event, "--json")
        #expect(other.status == 1 && other.output == "{\"matches\":false}\n", "\(other)")
        #expect(try suite.queue("q").depth == 0)
        for wrong in [["--rule", "r"], ["--last", "1"], ["--rule", "r", "--last", "0"]] {
            #expect(
                try suite.run(["event-store", "rules", "test"] + wrong).status == 64, "\(wrong)")
        }
        await store.close()
    }

    @Test func `Queues commands receive, acknowledge, extend and return events`() async throws {
        try suite.makeQueue("q", "--grouping", "unordered", "--visibility-timeout", "10m")
        try await store.append(0..<3)
        let first = try suite.bus(
            ReceivedLine.self, "queues", "receive", "q", "--max", "2", "--wait", "5")
        #expect(first.map(\.event.data) == [0, 1] && first.allSatisfy { $0.receiveCount == 1 })
        #expect(first.allSatisfy { $0.rule == "to-q" })
        #expect(try suite.queue("q").inFlight == 2)
        try suite.bus("queues", "ack", "q", first[0].receipt)
        try suite.bus("queues", "extend", "q", first[1].receipt, "--by", "2h")
        try suite.bus("queues", "nack", "q", first[1].receipt, "--delay", "0", "--error", "no")
        let late = try suite.run(
            "event-store", "queues", "ack", "q", first[0].receipt, first[1].receipt)
        // The first was acknowledged before, so it gets the same answer again.
        #expect(late.status == 65, "\(late)")
        #expect(late.output == "acknowledged \(first[0].receipt)\n", "\(late)")
        #expect(late.errors.contains("too late for \(first[1].receipt):"), "\(late)")
        let again = try suite.bus(
            ReceivedLine.self, "queues", "receive", "q", "--max", "9", "--wait", "5")
        #expect(
            Set(again.map { [$0.event.data, $0.receiveCount] }) == [[1, 2], [2, 1]], "\(again)")
        try suite.bus("queues", "pause", "q")
        #expect(try suite.queue("q").isPaused)
        try suite.bus("queues", "resume", "q")
        try suite.bus("queues", "purge", "q", "--yes")
        #expect(try suite.queue("q").depth == 0)
        await store.close()
    }

    @Test func `Rules, queues and dead letters survive a kill of the store`() async throws {
        try suite.makeQueue("q", "--maximum-receives", "1")
        try await store.append(0..<4)
        let failing = "case $DAYBOOK_POSITION in 3) exit 9; esac"
        try suite.bus("queues", "work", "q", "--exec", failing, "--until-empty")
        try suite.bus("queues", "pause", "q")
        try await store.append(4..<7)
        let commands = [
            ["rules", "list"], ["dlq", "list"], ["queues", "show", "q", "--history"],
        ]
        let before = try commands.map { try suite.run(["event-store"] + $0).output }
        let depth = try suite.queue("q").depth
        suite.kill("event-store")
        try suite.start("event-store")
        let after = try commands.map { try suite.run(["event-store"] + $0).output }
        #expect(before.dropFirst() == after.dropFirst())
        #expect(after[0].contains("to-q"))
        #expect(try suite.queue("q").depth == depth && depth == 3)
        #expect(try suite.queue("q").deadLetters == 1)
        await store.close()
    }

    @Test func `Rules file changes nothing if invalid and adds only new names at startup`()
        async throws
    {
        let file = "\(suite.home)/rules.json"
        func write(_ text: String) throws {
            try text.write(toFile: file, atomically: true, encoding: .utf8)
        }
        let rule = #"{"name": "r", "targets": ["q"], "pattern": \#(Suite.pattern)}"#
        try write(#"{"queues": [{"name": "q"}, {"name": "p"}], "rules": [\#(rule)]}"#)
        let apply = ["event-store", "rules", "apply", file]
        let created = "queue q: created\nqueue p: created\nrule r: created\n"
        #expect(try suite.run(apply).output == created)
        #expect(try suite.run(apply).output == created.replacing("created", with: "unchanged"))
        try write(
            #"{"queues": [{"name": "q", "visibilityTimeout": 5}, {"name": "n"}], "#
                + #""rules": [\#(rule), {"name": "x", "targets": ["nobody"], "#
                + #""pattern": {"stream": ["a"]}}]}"#)
        let head = try await store.welcome().head
        let bad = try suite.run(apply)
        #expect(bad.status == 65 && bad.errors.contains("rules[1]: rule 'x'"), "\(bad)")
        #expect(try await store.welcome().head == head)

        try suite.bus("queues", "delete", "p", "--yes")
        suite.kill("event-store")
        try write(#"{"queues": [{"name": "a b"}]}"#)
        let serve = try suite.run("event-store", "serve", "--rules", file)
        #expect(serve.status == 65 && serve.errors.contains("queues[0]: the name"), "\(serve)")
        try write(
            #"{"queues": [{"name": "q", "visibilityTimeout": 5}, {"name": "p"}, {"name": "n"}], "#
                + #""rules": [\#(rule), {"name": "s", "targets": ["n"], "#
                + #""pattern": {"stream": ["a"]}}]}"#)
        try suite.start("event-store", ["--rules", file])
        // Startup makes this rule last.
        _ = try await suite.event(matching: .stream(try StreamName("$rule-s")))
        #expect(try suite.bus(RuleView.self, "rules", "list").map(\.rule.name) == ["r", "s"])
        let queues = try suite.bus(QueueView.self, "queues", "list").map(\.queue)
        #expect(queues == [QueueDefinition(name: "n"), QueueDefinition(name: "q")])
        await store.close()
    }

    @Test func `Failed bus command prints only an error and sets its exit status`() throws {
        try suite.bus("queues", "create", "q")
        let pattern = ["--pattern", Suite.pattern, "--target"]
        let cases: [(Int32, [String])] = [
            (65, ["queues", "create", "q", "--visibility-timeout", "5"]),
            (65, ["queues", "create", "a b"]),
            (64, ["queues", "create", "x", "--grouping", "all"]),
            (64, ["queues", "create", "x", "--start", "here"]),
            (64, ["queues", "create", "x", "--backoff", "soon"]),
            (65, ["queues", "create", "x", "--maximum-receives", "0"]),
            (65, ["queues", "change", "none"]), (64, ["queues", "change", "q", "--start", "x"]),
            (65, ["queues", "show", "none"]), (65, ["queues", "show", "none", "--history"]),
            (65, ["queues", "receive", "none"]), (64, ["queues", "receive", "q", "--max", "0"]),
            (64, ["queues", "ack", "q", "5"]), (64, ["queues", "ack", "q"]),
            (65, ["queues", "ack", "q", "5:6"]), (65, ["queues", "pause", "none"]),
            (64, ["queues", "purge", "q"]), (64, ["queues", "delete", "q"]),
            (65, ["queues", "delete", "none", "--yes"]), (64, ["queues", "work", "q"]),
            (65, ["queues", "work", "none", "--exec", "true"]),
            (64, ["queues", "work", "q", "--exec", "true", "--concurrency", "0"]),
            (65, ["rules", "put", "r"] + pattern + ["none"]), (65, ["rules", "show", "none"]),
            (65, ["rules", "put", "a b"] + pattern + ["q"]), (65, ["rules", "enable", "none"]),
            (65, ["rules", "put", "r", "--pattern", "@/nonexistent", "--target", "q"]),
            (64, ["rules", "put", "r"] + pattern), (65, ["rules", "apply", "/nonexistent"]),
            (65, ["rules", "delete", "none"]),
            (65, ["rules", "test", "--rule", "x", "--last", "1"]),
            (65, ["dlq", "show", "1"]), (65, ["dlq", "redrive", "1"]), (64, ["dlq", "redrive"]),
            (64, ["dlq", "redrive", "1", "--all"]), (64, ["dlq", "discard", "1"]),
            (65, ["dlq", "discard", "1", "--reason", "r"]),
        ]
        let nobody = ["--timeout", "0.1", "--endpoint", "ipc://\(suite.home)/nobody.sock"]
        let unreachable = [["rules", "list"], ["queues", "ack", "q", "1:1"], ["dlq", "list"]]
        for (status, arguments) in cases + unreachable.map({ (69, $0 + nobody) }) {
            let run = try suite.run(["event-store"] + arguments)
            #expect(run.status == status && run.output.isEmpty, "\(arguments): \(run)")
            let lines = run.errors.split(separator: "\n").count
            #expect(status == 64 ? lines > 0 : lines == 1, "\(arguments): \(run.errors)")
        }
    }
}
