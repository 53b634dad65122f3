import EventSourcing
import Foundation
import IntegrationHarness
import TestSupport
import Testing

/// How long commands wait for processes that do not answer.
@Suite(.mayBlock, .serialized, .timeLimit(.minutes(10))) struct `Timeouts of commands` {
    /// Commands that ask the event store, with a file that exists.
    private static func storeCommands(_ file: String) -> [[String]] {
        [
            ["event-store", "stats"], ["event-store", "stats", "--watch"],
            ["event-store", "health"], ["event-store", "read"], ["event-store", "tail"],
            ["event-store", "streams"], ["event-store", "head"], ["event-store", "export"],
            ["event-store", "import", file], ["event-store", "trace", "1"],
            ["event-store", "append", "--stream", "a-1", "--type", "T", "--data", "1"],
            ["event-store", "queues", "list"], ["event-store", "queues", "receive", "q"],
            ["event-store", "queues", "work", "q", "--exec", "true"],
            ["event-store", "rules", "show", "r", "--history"],
            ["event-store", "rules", "test", "--pattern", #"{"type":["T"]}"#, "--last", "1"],
            ["event-store", "dlq", "list"], ["audit"], ["audit", "--compare"],
            ["orders", "timeline", "o"], ["balance", "show", "--offline"],
            ["balance", "show", "k", "--position", "1", "--offline"],
            ["balance", "show", "k", "--without", "1", "--offline"],
            ["balance", "diff", "k", "--offline"], ["balance", "reverse", "1", "--reason", "r"],
            ["balance", "rebuild", "--into", "\(file).rebuilt"],
        ]
    }

    /// Commands that ask a service.
    private static let serviceCommands = [
        ["balance", "show"], ["balance", "open", "k"], ["balance", "show", "--position", "1"],
        ["balance", "show", "k", "--without", "1"], ["balance", "diff", "k"],
        ["balance", "status"], ["balance", "health"], ["balance", "rebuild"],
    ]

    private func file(in suite: IntegrationHarness.Suite) throws -> String {
        let file = "\(suite.home)/file"
        try Data("{}\n".utf8).write(to: URL(filePath: file))
        return file
    }

    @Test func `Command says at once that a socket does not exist, whatever its timeout`() throws {
        let suite = try Suite()
        for command in [
            ["event-store", "stats"], ["event-store", "tail"], ["audit"], ["balance", "show"],
            ["balance", "open", "k"], ["balance", "show", "--offline"],
            ["orders", "timeline", "o"],
        ] {
            // The timeout is longer than the time after which `run` kills the command.
            let run = try suite.run(command + ["--timeout", "100000"], timeout: 600)
            #expect(run.status == 69 && run.output.isEmpty, "\(command): \(run)")
            #expect(run.errors.contains("nothing listens at ipc://"), "\(command): \(run)")
            #expect(run.errors.split(separator: "\n").count == 1, "\(command): \(run)")
        }
    }

    @Test func `Command says at once that a process has crashed, whatever its timeout`()
        async throws
    {
        let suite = try Suite()
        for process in ["event-store", "balance"] { try suite.start(process) }
        _ = try await suite.status(of: "balance")
        for process in ["event-store", "balance"] { suite.kill(process) }
        for command in [["event-store", "stats"], ["balance", "show"], ["balance", "open", "k"]] {
            let run = try suite.run(command + ["--timeout", "100000"], timeout: 600)
            #expect(run.status == 69 && run.output.isEmpty, "\(command): \(run)")
            #expect(run.errors.contains("the socket's process has ended"), "\(command): \(run)")
        }
    }

    @Test func `Command waits for a process that does not answer as long as its timeout`()
        async throws
    {
        let suite = try Suite()
        try suite.start("event-store")
        try suite.start("balance")
        _ = try await suite.status(of: "balance")
        for process in ["event-store", "balance"] { suite.signal(process, SIGSTOP) }
        for command in Self.storeCommands(try file(in: suite)) + Self.serviceCommands {
            let run = try suite.run(command + ["--timeout", "0.1"], timeout: 600)
            #expect(run.status == 69 && run.output.isEmpty, "\(command): \(run)")
            // Of `--offline`, the limit of the whole computation may pass first.
            #expect(run.errors.contains("within 0.1 seconds"), "\(command): \(run)")
        }
        for process in ["event-store", "balance"] { suite.signal(process, SIGCONT) }
    }
}
