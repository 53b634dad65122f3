import Contracts
import EventSourcing
import EventStoreClient
import Foundation
import IntegrationHarness
import TestSupport
import Testing
import WireProtocol

@Suite(.mayBlock, .serialized, .timeLimit(.minutes(10))) struct `Repeated commands` {
    @Test func `Credit without an answer pays once when its message is followed`() async throws {
        let suite = try Suite()
        try await suite.startAll()
        try suite.customer("p", funds: "10.00", credit: "0.00")
        try await suite.stop("event-store")
        let lost = try suite.run("credit", "p", "10.00", "--timeout", "3")
        #expect(lost.status == 69 && lost.output.isEmpty, "\(lost)")
        let parts = lost.errors.components(separatedBy: "Repeat it safely with: ")
        #expect(parts.count == 2 && parts[0].contains("running? The outcome is unknown"), "\(lost)")
        let line = try #require(parts.last).trimmingCharacters(in: .newlines)
        #expect(line.contains("credit p 10.00 --timeout 3 --command-id "), "\(lost)")
        suite.signal("event-store", SIGCONT)
        for _ in 0..<2 {
            // The store may still be at work on what it has missed.
            let repeated = try suite.shell(line.replacing("--timeout 3", with: "--timeout 120"))
            #expect(repeated.status == 0, "\(repeated)")
        }
        let credits = try await suite.events(.types(["MoneyCredited"]))
        #expect(credits.count == 2)
        #expect(try suite.audit().status == 0)
    }

    @Test func `Stopped service does not carry out commands whose callers have given up`()
        async throws
    {
        let suite = try Suite()
        try await suite.startAll()
        try suite.customer("p", funds: "10.00", credit: "0.00")
        let client = try await suite.client(of: "credit", timeout: .seconds(1))
        let (id, command) = (
            EventID.random(), CreditMoney(account: "p", amount: Money(1000, usd))
        )
        // A connection that exists takes the command while the service is stopped.
        while (try? await client.query("status", Nothing(), as: ServiceStatus.self)) == nil {}
        try await suite.stop("credit")
        await #expect(throws: DaybookError.self) {
            try await client.command(CreditMoney.name, command, id: id)
        }
        suite.signal("credit", SIGCONT)
        let expired = #"daybook_calls_total{call="CreditMoney",outcome="expired"}"#
        while try suite.scrape("credit")[expired] ?? 0 < 1 { try await lookAgainSoon() }
        await client.close()
        #expect(try await suite.events(.types(["MoneyCredited"])).count == 1)
        let patient = try await suite.client(of: "credit")
        let reply = try await patient.command(CreditMoney.name, command, id: id, mayBeRepeat: true)
        #expect(reply.result == .appended)
        await patient.close()
    }

    @Test func `Commands with an id take effect once, and their ids serve no other command`()
        async throws
    {
        let suite = try Suite()
        try await suite.startAll()
        try suite.customer("p", funds: "100.00", credit: "50.00")
        try suite.customer("q", funds: "100.00", credit: "50.00")
        let credited = try await suite.events(.types(["MoneyCredited"]))
        let place = ["orders", "place", "--customer", "p", "--item", "cd:1:1.00", "--to", "LHR"]
        let commands = [
            ["balance", "open", "new"], ["credit", "p", "10.00"], ["withdraw", "p", "10.00"],
            ["creditLimit", "set", "p", "40.00"], place, ["orders", "cancel", "ORDER"],
            ["credit", "reverse", "\(try #require(credited.last).position)", "--reason", "r"],
            ["event-store", "queues", "create", "work"],
            ["event-store", "queues", "pause", "work"],
            [
                "event-store", "rules", "put", "r", "--pattern", #"{"detail-type":["T"]}"#,
                "--target", "work",
            ],
            ["event-store", "append", "--stream", "note-1", "--type", "T", "--data", "1"],
        ]
        let before = try await suite.commandEvents()
        var order = ""
        for command in commands {
            let command = command.map { $0 == "ORDER" ? order : $0 }
            let id = ["--command-id", "\(EventID.random())"]
            let first = try suite.succeed(command + id)
            if command == place {
                order = String(try #require(first.firstMatch(of: #/order (\w+) /#)).output.1)
                _ = try await suite.ended(order)
            }
            let again = try suite.succeed(command + id)
            #expect(again.contains("already"), "\(command): \(again)")
            // The same types of events at the same position.
            let effect = try #require(first.components(separatedBy: " (").last)
            #expect(again.contains(effect.dropLast()), "\(first) \(again)")
            try expectReused(id, suite)
        }
        // All but the last one, whose events are its own.
        #expect(try await suite.commandEvents() == before + commands.count - 1)
        #expect(try suite.audit().status == 0)
    }

    /// Expects that no other command can have the id.
    private func expectReused(_ id: [String], _ suite: Suite) throws {
        for other in [
            ["credit", "q", "3.00"], ["withdraw", "q", "3.00"], ["balance", "open", "other"],
            ["creditLimit", "set", "q", "3.00"], ["event-store", "queues", "create", "other"],
        ] {
            let run = try suite.run(other + id)
            #expect(run.status == 65, "\(other): \(run)")
            #expect(run.errors.contains("another command has used the id"), "\(other): \(run)")
        }
    }

    @Test func `Append of many lines is repeated as a whole`() async throws {
        let suite = try Suite()
        try suite.start("event-store")
        let append =
            "event-store append --stream note-1 --type T --command-id \(EventID.random())"
        let first = try suite.shell("seq 600 | \(append)")
        #expect(first.status == 0, "\(first)")
        #expect(first.output == "position 500, revision 499\nposition 600, revision 599\n")
        let again = try suite.shell("seq 600 | \(append)")
        #expect(
            again.output == first.output.replacing("\n", with: ", appended already\n"), "\(again)")
        // Other lines are another command.
        for input in ["seq 601", "seq 2 600", "echo 7"] {
            let other = try suite.shell("\(input) | \(append)")
            #expect(other.status == 65, "\(input): \(other)")
        }
        #expect(try await suite.events(.all).count == 600)
    }

    @Test func `Orders and accounts may have UUIDs and e-mail addresses as ids`() async throws {
        let suite = try Suite()
        try await suite.startAll()
        let (customer, order) = (
            "ann.o-hara+cd@example.org", "0197a6f0-1c2d-7e3f-8a4b-5c6d7e8f9a0b"
        )
        try suite.customer(customer, funds: "10.00", credit: "90.00")
        try await suite.place(order, of: customer, price: 2000)
        #expect(try await suite.ended(order).status == .confirmed)
        for command in [
            ["balance", "statement", customer], ["orders", "list", customer],
            ["orders", "timeline", order], ["route", "show", order],
            ["creditLimit", "show", customer], ["credit", "list", customer],
        ] {
            #expect(try !suite.succeed(command).isEmpty, "\(command)")
        }
        try suite.succeed("orders", "cancel", order)
        let audit = try suite.audit()
        #expect(audit.status == 0, "\(audit)")
    }
}

extension Suite {
    /// The number of events that commands of callers have caused.
    fileprivate func commandEvents() async throws -> Int {
        try await events(.all).count { EventMetadata(of: $0)?.digest != nil }
    }

    /// Stops a process, and waits until it is stopped.
    fileprivate func stop(_ name: String) async throws {
        signal(name, SIGSTOP)
        let id = try #require(processID(of: name))
        while true {
            let file = try FileHandle(forReadingFrom: URL(filePath: "/proc/\(id)/stat"))
            let text = String(decoding: try file.readToEnd() ?? Data(), as: UTF8.self)
            // The state follows the name, which is in parentheses.
            if text.contains(") T ") { return }
            try await lookAgainSoon()
        }
    }
}
