import CommandLine
import EventStoreClient
import Foundation
import IntegrationHarness
import JSON
import TestSupport
import Testing
import WireProtocol

/// An executable's command as the argument parser describes it.
private struct CommandInfo: Decodable {
    struct Argument: Decodable {
        var kind: String
        var valueName: String?
        var names: [Name]?
    }
    struct Name: Decodable {
        var kind: String
        var name: String
    }
    private struct Root: Decodable { var command: CommandInfo }

    var commandName: String
    var arguments: [Argument]?
    var subcommands: [CommandInfo]?

    /// The long names of the options that take a value.
    var options: [String] {
        (arguments ?? []).filter { $0.kind == "option" }
            .compactMap { $0.names?.first { $0.kind == "long" }?.name }
    }

    /// This command and all below it, each with the words that call it.
    func all(_ above: [String] = []) -> [(words: [String], command: CommandInfo)] {
        let words = above + [commandName]
        let below = (subcommands ?? []).filter { $0.commandName != "help" }
        return [(words, self)] + below.flatMap { $0.all(words) }
    }

    static func all(
        of executable: String, in suite: IntegrationHarness.Suite
    ) throws -> [(words: [String], command: CommandInfo)] {
        let dump = try suite.run(executable, "--experimental-dump-help").output
        return try JSON.decode(Root.self, from: dump.utf8).command.all()
    }
}

/// Runs a command line that must fail with one line of error, or with its usage if the status is
/// 64.
private func expect(_ wrong: WrongInput.Case, of suite: IntegrationHarness.Suite) throws {
    let run = try suite.run(wrong.arguments)
    #expect(run.status == wrong.status, "\(wrong.arguments): \(run)")
    #expect(run.output.isEmpty, "\(wrong.arguments): \(run.output)")
    let lines = run.errors.split(separator: "\n").count
    #expect(wrong.status == 64 ? lines > 0 : lines == 1, "\(wrong.arguments): \(run.errors)")
}

private let executables = IntegrationHarness.Suite.services + ["event-store", "audit"]

/// Command lines that need no running process.
@Suite(.mayBlock, .timeLimit(.minutes(10))) struct `Command lines` {
    @Test(arguments: executables)
    func `Every command has help and rejects invalid options`(executable: String) async throws {
        let suite = try Suite()
        for (words, command) in try CommandInfo.all(of: executable, in: suite) {
            let help = try await Executable.answer(to: words + ["--help"])
            #expect(help?.text.contains("USAGE: ") == true, "\(words)")
            let unknown = try await Executable.answer(to: words + ["--no-such-flag"])
            #expect(unknown != nil, "\(words)")
            guard let option = command.options.last else { continue }
            let noValue = try await Executable.answer(to: words + ["--\(option)"])
            #expect(noValue != nil, "\(words) --\(option)")
        }
    }

    /// Where the parser's answers are printed, and the exit status.
    @Test(arguments: executables)
    func `Executable prints help to its output and usage errors to its error output`(
        executable: String
    ) throws {
        let suite = try Suite()
        let help = try suite.run(executable, "--help")
        #expect(help.status == 0 && help.output.contains("USAGE: ") && help.errors.isEmpty)
        let unknown = try suite.run(executable, "--no-such-flag")
        #expect(unknown.status == 64 && unknown.output.isEmpty && !unknown.errors.isEmpty)
    }

    @Test(arguments: executables)
    func `Executable prints completion scripts for bash, zsh and fish`(executable: String) throws {
        let suite = try Suite()
        for shell in ["bash", "zsh", "fish"] {
            let script = try suite.run(executable, "--generate-completion-script", shell)
            #expect(script.status == 0 && script.output.contains(executable), "\(shell): \(script)")
        }
    }

    /// Like `orders --help | head -0`.
    @Test(arguments: executables)
    func `Help exits with 0 when its output is closed`(executable: String) throws {
        let suite = try Suite()
        #expect(try suite.run([executable, "--help"], output: .closed).status == 0)
    }

    @Test func `Invalid command lines exit with their status and print only an error`() throws {
        let suite = try Suite()
        for wrong in try WrongInput.alone(in: suite.home) {
            try expect(wrong, of: suite)
        }
    }
}

@Suite(.mayBlock, .serialized, .timeLimit(.minutes(10))) struct `Rejected command lines` {
    @Test func `Query commands exit with 0 when their output is closed`() async throws {
        let suite = try Suite()
        try await suite.startAll()
        try suite.customer("zoe", funds: "1.00", credit: "1.00")
        for command in [
            ["event-store", "read"], ["balance", "show"],
            ["balance", "statement", "zoe", "--json"],
            ["creditLimit", "show"], ["credit", "list", "zoe"], ["orders", "summary"],
            ["orders", "status"], ["route", "plan", "LHR"], ["audit"],
        ] {
            let run = try suite.run(command, output: .closed)
            #expect(run.status == 0 && run.errors.isEmpty, "\(command): \(run)")
        }
    }

    @Test func `Rejected commands print one line and append nothing`() async throws {
        let suite = try Suite()
        try await suite.startAll()
        let store = try await suite.eventStore()
        let head = try await store.welcome().head
        for wrong in WrongInput.refused { try expect(wrong, of: suite) }
        #expect(try await store.welcome().head == head)
        await store.close()
        for service in Suite.services + ["event-store"] { #expect(suite.isRunning(service)) }
    }
}
