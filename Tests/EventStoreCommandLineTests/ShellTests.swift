import EventSourcing
import Foundation
import TestSupport
import Testing

@testable import EventStoreCommandLine

@Suite(.mayBlock, .serialized, .timeLimit(.minutes(10))) struct `Shell commands` {
    private func run(
        _ command: String, _ input: String = "", _ environment: [String: String] = [:]
    ) async throws -> Shell.Ending {
        try await Shell(command).run(Array(input.utf8), environment: environment)
    }

    @Test(arguments: [
        ("true", nil), ("exit 3", "the command ended with status 3"),
        ("kill -9 $$", "the command was ended by signal 9"),
        ("echo first >&2; echo last >&2; echo >&2; exit 1", "last"), ("echo fine >&2", nil),
        ("no-such-command-here", "no-such-command-here"),
    ])
    func `Fault of a command is its last error line, status or signal`(
        command: String, fault: String?
    ) async throws {
        let ending = try await run(command)
        guard let fault else { return #expect(ending.fault == nil) }
        #expect(ending.fault?.contains(fault) == true, "\(ending)")
    }

    @Test(arguments: [
        ("./invoice --fast", "./invoice"), ("  echo; false", "echo"), ("cat>/dev/null", "cat"),
        ("'/a b/c' d", "/a b/c"), ("\"/a b/c\"&", "/a b/c"), ("python3.12", "python3.12"),
        ("[ $X != 3 ]", nil), ("X=1 ./y", nil), ("$HOME/x", nil), ("~/x", nil), ("\"$X\" y", nil),
        ("(true)", nil), ("'a'b", nil), ("\"a", nil), ("''", nil), ("-x", nil), ("", nil),
        ("{ true; }", nil), ("a*", nil), ("f() { true; }; f", nil), ("f ( ) { true; }", nil),
    ])
    func `Program of a command is its first word, if the shell takes it as it is`(
        command: String, program: String?
    ) {
        #expect(Shell.program(of: command) == program)
    }

    @Test func `Command whose program is missing or not executable is rejected`() async throws {
        let folder = NSTemporaryDirectory() + "daybook-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let file = "\(folder)/text"
        #expect(FileManager.default.createFile(atPath: file, contents: nil))
        for (command, reason) in [
            (" ", "--exec is empty; give a shell command"),
            ("\(folder)/none --fast", "--exec: there is no file \(folder)/none"),
            ("'\(file)'", "--exec: \(file) is not an executable file"),
            (folder, "--exec: \(folder) is not an executable file"),
            (
                "no-such-command-here x",
                "--exec: there is no command 'no-such-command-here' in PATH; give the path of the "
                    + "program"
            ),
        ] {
            await #expect(throws: DaybookError(.usage, reason)) { try await Shell.check(command) }
        }
        for command in ["true", "if true; then true; fi", "/bin/sh -c true", "X=1 no-such-command"]
        {
            try await Shell.check(command)
        }
    }

    @Test func `Command has its input and environment, and may leave the input unread`()
        async throws
    {
        let input = String(repeating: "x", count: 1 << 20)
        let read = try await run("echo $(wc -c) $WORD >&2", input, ["WORD": "a b"])
        #expect(String(decoding: read.errors, as: UTF8.self) == "1048576 a b\n")
        #expect(try await run("true", input).fault == nil)
    }

    @Test func `Shell keeps the last 64 KiB of a command's standard error`() async throws {
        let ending = try await run("head -c 1000000 /dev/zero >&2; echo end >&2; exit 1")
        #expect(ending.errors.count == 64 << 10 && ending.fault?.hasSuffix("end") == true)
    }

    @Test func `Concurrent commands leave no file descriptors open`() async throws {
        func open() throws -> Int {
            try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
        }
        let shell = Shell("read line; echo $line >&2")
        // Foundation opens descriptors in the first run and keeps them.
        _ = try await shell.run([], environment: [:])
        let before = try open()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<100 {
                group.addTask {
                    let ending = try await shell.run(Array("\(number)\n".utf8), environment: [:])
                    #expect(String(decoding: ending.errors, as: UTF8.self) == "\(number)\n")
                }
            }
            try await group.waitForAll()
        }
        // Other tests open and close files at the same time.
        #expect(try open() < before + 50)
    }

    @Test(arguments: ["sleep 1000", "sleep 1000 & sleep 1000 & wait", "trap '' TERM; sleep 1000"])
    func `Cancelled command is ended by a signal`(command: String) async throws {
        let shell = Shell(command, killDelay: .milliseconds(100))
        let running = Task { try await shell.run([], environment: [:]) }
        running.cancel()
        let ending = try await running.value
        #expect([SIGTERM, SIGKILL].contains(ending.signal), "\(ending)")
    }
}
