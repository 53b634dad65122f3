import Bytes
import EventSourcing
import Foundation
import IntegrationHarness
import JSON
import TestSupport
import Testing

extension IntegrationHarness.Suite {
    /// Runs a command until its output contains a text, and returns the output.
    fileprivate func output(_ command: [String], with text: String) async throws -> String {
        while true {
            let output = try succeed(command)
            if output.contains(text) { return output }
            try await lookAgainSoon()
        }
    }
}

/// What commands and processes write: to the terminal, and to files.
@Suite(.mayBlock, .serialized, .timeLimit(.minutes(10))) struct `Output and files` {
    private struct Movement: Decodable { let reference: String? }

    /// Text that would clear the screen, forge a line and reverse the text after it.
    private static let hostile = "x\u{1B}[2J\u{9B}31m\nforged\r\u{202E}y\u{2028}"
    private static let shown = #"x\u{1B}[2J\u{9B}31m\nforged\r\u{202E}y\u{2028}"#

    private func suite(_ services: String...) throws -> IntegrationHarness.Suite {
        let suite = try Suite()
        try suite.start("event-store", ["--rules", Suite.rules])
        for service in services { try suite.start(service) }
        return suite
    }

    /// Whether no line has a character that controls a terminal or the direction of text.
    private static func isHarmless(_ text: String) -> Bool {
        text.split(separator: "\n").allSatisfy { $0.replacing("\t", with: " ").isVisible }
    }

    @Test func `Reference of a movement is escaped in tables, and whole in JSON`() async throws {
        let suite = try suite("balance", "credit")
        try suite.succeed("balance", "open", "k")
        try suite.succeed("credit", "k", "1.00", "--reference", Self.hostile)
        for command in [["credit", "list", "k"], ["balance", "statement", "k"]] {
            let table = try await suite.output(command, with: Self.shown)
            #expect(Self.isHarmless(table), "\(command): \(table)")
            let json = try suite.succeed(command + ["--json"])
            #expect(Self.isHarmless(json), "\(command): \(json)")
            let movements = try JSON.decode([Movement].self, from: json.utf8)
            #expect(movements.contains { $0.reference == Self.hostile }, "\(command): \(json)")
        }
        let error = try suite.run("balance", "show", Self.hostile)
        #expect(error.status == 65 && error.errors.split(separator: "\n").count == 1, "\(error)")
        #expect(Self.isHarmless(error.errors), "\(error)")
    }

    @Test func `Tag and data of an event are harmless in every form of output`() throws {
        let suite = try suite()
        let data = try JSON.text(["text": Self.hostile])
        try suite.succeed(
            "event-store", "append", "--stream", "note-1", "--type", "Noted", "--data", data,
            "--tag", Self.hostile)
        for command in [
            ["read"], ["streams"], ["trace", "--tag", Self.hostile],
            ["trace", "--tag", Self.hostile, "--format", "svg"],
            ["trace", "--tag", Self.hostile, "--format", "mermaid"],
            ["trace", "--tag", Self.hostile, "--json"],
        ] {
            let output = try suite.succeed(["event-store"] + command)
            #expect(!output.isEmpty && Self.isHarmless(output), "\(command): \(output)")
        }
        let absent = try suite.run("event-store", "trace", "--tag", Self.hostile + "z")
        #expect(absent.status == 65 && Self.isHarmless(absent.errors), "\(absent)")
        // Elsewhere than on a terminal, an event keeps its bytes.
        let exported = try suite.succeed("event-store", "export")
        #expect(exported.contains(#""data":\#(data)"#), "\(exported)")
    }

    @Test func `Error of a consumer is one line in tables and in the log`() async throws {
        let suite = try suite()
        try suite.bus("queues", "create", "q", "--maximum-receives", "1")
        try suite.bus("rules", "put", "r", "--target", "q", "--pattern", #"{"category":["note"]}"#)
        try suite.bus("append", "--stream", "note-1", "--type", "Noted", "--data", "1")
        struct Delivery: Decodable { let receipt: String }
        let received = try suite.bus(Delivery.self, "queues", "receive", "q", "--wait", "60")
        let receipt = try #require(received.first).receipt
        try suite.bus("queues", "nack", "q", receipt, "--error", Self.hostile)
        let list = try await suite.output(["event-store", "dlq", "list"], with: Self.shown)
        #expect(Self.isHarmless(list), "\(list)")
        #expect(Self.isHarmless(suite.log(of: "event-store")), "\(suite.log(of: "event-store"))")
    }

    @Test func `Command whose output cannot be written exits with 74`() async throws {
        let suite = try suite("balance")
        try suite.succeed("balance", "open", "k")
        for command in [
            "balance show", "balance show --json", "balance status", "balance diff k",
            "balance open l", "event-store read", "event-store read --json", "event-store export",
            "event-store streams", "event-store stats", "event-store head", "event-store health",
            "event-store trace 1", "event-store trace 1 --format svg", "event-store queues list",
            "event-store tail --last 1 --limit 1", "audit --running", "route plan LHR",
            "event-store append --stream a-1 --type T --data 1", "orders --help",
        ] {
            let run = try suite.shell("\(command) > /dev/full")
            #expect(run.status == 74, "\(command): \(run)")
            #expect(run.errors.contains(": can't write the output: "), "\(command): \(run)")
            #expect(run.errors.split(separator: "\n").count == 1, "\(command): \(run)")
        }
        // What a command changed before its output failed has happened.
        _ = try await suite.output(["balance", "show"], with: "\nl ")
    }

    @Test func `Appends go on when the reader of the command's output has gone`() throws {
        let suite = try suite()
        let file = "\(suite.home)/lines"
        try Data((0..<1200).map { "\($0)\n" }.joined().utf8).write(to: URL(filePath: file))
        let append = "event-store append --stream a-1 --type T < \(file)"
        let run = try suite.run(["/bin/sh", "-c", append], output: .closed)
        #expect(run.status == 0 && run.errors.isEmpty, "\(run)")
        #expect(try suite.succeed("event-store", "streams").contains("\t1200\t"))
    }

    @Test func `Processes create files, folders and sockets for their own user only`() throws {
        let suite = try suite("balance")
        try suite.succeed("balance", "open", "k")
        try suite.succeed("balance", "diff", "k", "--offline")
        let files = FileManager.default
        var seen = 0
        for path in try files.subpathsOfDirectory(atPath: suite.home) {
            // The harness keeps the output of processes in files of its own.
            guard !path.hasSuffix(".log"),
                // The running processes may replace a file.
                let found = try? files.attributesOfItem(atPath: "\(suite.home)/\(path)"),
                let mode = found[.posixPermissions] as? Int
            else { continue }
            seen += 1
            #expect(mode & 0o077 == 0, "\(path) has mode \(String(mode, radix: 8))")
        }
        #expect(seen > 10)
        #expect(!suite.log(of: "event-store").contains("other users have access"))
    }

    @Test func `Import without a running store creates the home for its own user only`() throws {
        let suite = try Suite()
        let home = "\(suite.home)/restored"
        let event = """
            {"specversion":"1.0","id":"a2290dce-fe69-5215-ab6d-9e256aeb8e9e",\
            "source":"daybook:cdf4562e-ce12-450b-b712-f28d29989388","type":"T",\
            "subject":"a-1","time":"2026-11-25T03:50:25Z","position":"1","revision":"0",\
            "correlationid":"0f2d5116-5aa2-496a-a869-be8e35fde5d7"}
            """
        let run = try suite.shell(
            "umask 022; echo '\(event)' | event-store import --system --home '\(home)'")
        #expect(run.status == 0, "\(run)")
        for path in [home, "\(home)/log", "\(home)/log/manifest"] {
            let found = try FileManager.default.attributesOfItem(atPath: path)
            let mode = try #require(found[.posixPermissions] as? Int)
            #expect(mode & 0o077 == 0, "\(path) has mode \(String(mode, radix: 8))")
        }
    }

    @Test func `Process warns of a home that others have access to, and leaves it as it is`()
        async throws
    {
        let suite = try Suite()
        let files = FileManager.default
        try files.setAttributes([.posixPermissions: 0o755], ofItemAtPath: suite.home)
        try suite.start("event-store")
        try suite.start("balance")
        _ = try await suite.status(of: "balance")
        for process in ["event-store", "balance"] {
            let warning = "other users have access to \(suite.home) (mode 755)"
            #expect(suite.log(of: process).contains(warning), "\(suite.log(of: process))")
        }
        let mode = try files.attributesOfItem(atPath: suite.home)[.posixPermissions] as? Int
        #expect(mode == 0o755)
    }
}
