import EventSourcing
import Foundation
import IntegrationHarness
import TestSupport
import Testing

/// Validates events against docs/schemas with a validator from outside this project.
private enum Validator {
    private static let docs = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../docs").standardizedFileURL.path
    private static let script = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "validate.py").path

    /// The first Python that has the module jsonschema.
    static func python() async throws -> URL? {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        for folder in ["/usr/bin"] + path.split(separator: ":").map(String.init) {
            let python = URL(filePath: "\(folder)/python3")
            guard FileManager.default.isExecutableFile(atPath: python.path) else { continue }
            let program = "from importlib.util import find_spec; print(find_spec('jsonschema'))"
            if let line = try await Conversation(python, ["-c", program]).line(), line != "None" {
                return python
            }
        }
        return nil
    }

    /// The validator's report on files of events, or nil if an event is not valid.
    static func check(_ files: [String]) async throws -> String? {
        let validation = try Conversation(#require(try await python()), [script, docs] + files)
        let line = await validation.line()
        return await validation.exitStatus() == 0 ? line : nil
    }
}

@Suite(
    .mayBlock,
    .timeLimit(.minutes(10)),
    .enabled(
        "no python3 has jsonschema, which scripts/setup tests installs",
        { try await Validator.python() != nil }))
struct `Event schemas` {
    @Test func `Events of a run and of an earlier version's log match their schemas`() async throws
    {
        let suite = try Suite()
        try await suite.startAll()
        try suite.customer("olga", funds: "100.00", credit: "50.00")
        for (order, price) in [("paid", Int64(1000)), ("denied", 90_000), ("drawn", 9000)] {
            try await suite.place(order, of: "olga", price: price)
            _ = try await suite.ended(order)
        }
        try await suite.place("nowhere", of: "olga", price: 1000, to: "XXX")
        try await suite.place("nobody", of: "nobody", price: 1000)
        for command in [["orders", "cancel", "drawn"], ["withdraw", "olga", "1.00"]] {
            #expect(try suite.run(command).status == 0)
        }
        #expect(try suite.audit().status == 0)
        let run = "\(suite.home)/run.jsonl"
        #expect(try suite.run("event-store", "export", run).status == 0)
        let verdict = try #require(try await Validator.check([run]))
        let types = try #require(verdict.firstMatch(of: #/valid: (\d+) events of (\d+) types/#))
        #expect(Int(types.output.1) ?? 0 > 30 && Int(types.output.2) ?? 0 >= 20, "\(verdict)")
        let old = try #require(try await Validator.check([Suite.logOfOld]))
        #expect(old.hasPrefix("valid: 233 events of 22 types"), "\(old)")

        let wrong = "\(suite.home)/wrong.jsonl"
        try String(contentsOfFile: run, encoding: .utf8)
            .replacing(#""meters":"#, with: #""kilometers":"#)
            .write(toFile: wrong, atomically: true, encoding: .utf8)
        #expect(try await Validator.check([wrong]) == nil)
    }
}
