import Contracts
import EventSourcing
import EventStoreClient
import Foundation
import IntegrationHarness
import TestSupport
import Testing
import WireProtocol

extension Suite {
    /// Returns the data of a credit to an account.
    fileprivate static func credit(_ account: String, _ cents: Int = 500) -> String {
        #"{"account":"\#(account)","amount":{"amount":\#(cents),"currency":"USD"},"#
            + #""repaid":{"amount":0,"currency":"USD"},"reference":"wages"}"#
    }

    /// Appends an event that no check has seen, and returns its position.
    @discardableResult
    fileprivate func appendUnchecked(
        _ stream: String, _ type: String, _ data: String = "{}"
    ) throws -> UInt64 {
        let output = try succeed(
            "event-store", "append", "--stream", stream, "--type", type, "--data", data,
            "--unchecked")
        let position = try #require(output.firstMatch(of: #/position (\d+)/#)).output.1
        return try #require(UInt64(position))
    }

    fileprivate func write(_ text: String) throws -> String {
        let file = "\(home)/\(UUID().uuidString).json"
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        return file
    }

    /// Expects that the command fails with this status, and that its error contains the text.
    fileprivate func expect(_ status: Int32, _ text: String, _ command: String...) throws {
        let run = try run(["event-store"] + command)
        #expect(run.status == status && run.errors.contains(text), "\(command): \(run)")
        #expect(run.errors.split(separator: "\n").count == 1 || status == 64, "\(run.errors)")
    }
}

@Suite(.mayBlock, .serialized, .timeLimit(.minutes(10))) struct `Contract options` {
    @Test func `Append and import reject an event that its service can't read`() throws {
        let suite = try Suite()
        try suite.start("event-store")
        let wrong = [
            ("account-p1", "MoneyBurnt", "{}", "no event type 'MoneyBurnt'"),
            ("account-p1", "MoneyCredited", "{}", "docs/schemas/MoneyCredited.json"),
            ("account-zzz", "MoneyCredited", Suite.credit("p1"), "is about 'p1'"),
            ("order-7", "OrderConfirmed", #"{"total":107}"#, "it lacks 'order'"),
        ]
        for (stream, type, data, reason) in wrong {
            let append = ["append", "--stream", stream, "--type", type, "--data", data]
            let run = try suite.run(["event-store"] + append)
            #expect(run.status == 65 && run.output.isEmpty, "\(run)")
            #expect(run.errors.contains(reason) && run.errors.contains("--unchecked"), "\(run)")
            let line =
                #"{"specversion":"1.0","id":"\#(type)","source":"s","type":"\#(type)","#
                + #""subject":"\#(stream)","data":\#(data)}"#
            try suite.expect(65, "line 1: ", "import", try suite.write(line))
            try suite.expect(65, reason, "import", try suite.write(line))
        }
        #expect(try suite.succeed("event-store", "read") == "")
        // Other categories may have any events, and so may all with --unchecked.
        try suite.succeed(
            "event-store", "append", "--stream", "sales-7", "--type", "MoneyBurnt", "--data", "1")
        try suite.succeed(
            "event-store", "append", "--stream", "account-p1", "--type", "MoneyCredited", "--data",
            Suite.credit("p1"))
        for (stream, type, data, _) in wrong { try suite.appendUnchecked(stream, type, data) }
        let exported = "\(suite.home)/log.jsonl"
        try suite.succeed("event-store", "export", exported)
        try suite.expect(65, "line 3: ", "import", exported)
        let again = try suite.succeed("event-store", "import", exported, "--unchecked")
        #expect(again == "0 events imported, 6 were there already\n")
    }
}

@Suite(.mayBlock, .serialized, .timeLimit(.minutes(10))) struct `Amend command` {
    private let suite: IntegrationHarness.Suite

    init() throws {
        suite = try Suite()
        try suite.start("event-store")
    }

    private func read(_ options: String...) throws -> [String] {
        try suite.succeed(["event-store", "read", "--category", "account"] + options)
            .split(separator: "\n").map(String.init)
    }

    @Test func `Amended event is read with its new data, and exported as it was appended`() throws {
        try suite.appendUnchecked("account-p1", "MoneyCredited")
        let file = try suite.write(
            Suite.credit("p1").replacing(",", with: " ,\n  ").replacing("wages", with: "a , b"))
        let amended = try suite.succeed(
            "event-store", "amend", "1", "--data", file, "--reason", "r")
        #expect(amended == "amended MoneyCredited at position 1 (EventAmended, position 2)\n")
        let repeated = try suite.succeed(
            "event-store", "amend", "1", "--data", file, "--reason", "again")
        #expect(repeated == "nothing to do\n")

        let data = Suite.credit("p1").replacing("wages", with: "a , b")
        let line = try #require(try read().first)
        #expect(line.hasSuffix("\tMoneyCredited (amended)\t\(data)"), "\(line)")
        let json = try #require(try read("--json").first)
        #expect(json.hasSuffix(#","amended":true}"#) && json.contains(data), "\(json)")
        let exported = try suite.succeed("event-store", "export", "--category", "account")
        #expect(exported.hasSuffix("\"data\":{}}\n"), "\(exported)")
        let upcast = try suite.succeed("event-store", "export", "--upcast", "--category", "account")
        #expect(upcast.hasSuffix("\"data\":\(data)}\n"), "\(upcast)")
        // What read shows of an amended event is not what was appended.
        try suite.expect(65, "it is amended", "import", try suite.write(json))
        let trace = try suite.succeed("event-store", "trace", "1")
        #expect(trace.contains("amended: readers get other data"), "\(trace)")
        #expect(trace.contains("amends position 1 by ") && trace.contains(": r"), "\(trace)")
        let statistics = try suite.succeed("event-store", "stats")
        #expect(statistics.contains(#/amended +1\n/#), "\(statistics)")

        try suite.succeed("event-store", "amend", "1", "--undo", "--reason", "it was right")
        #expect(try #require(try read().first).hasSuffix("\tMoneyCredited\t{}"))
    }

    @Test func `Skipped event is marked in every reading, also after a restart`() throws {
        try suite.appendUnchecked("account-p1", "MoneyBurnt")
        try suite.appendUnchecked("account-p1", "MoneyCredited", Suite.credit("p1"))
        let original = try suite.succeed("event-store", "export")
        let skipped = try suite.succeed("event-store", "amend", "1", "--reason", "r")
        #expect(skipped == "skipped MoneyBurnt at position 1 (EventAmended, position 3)\n")
        for _ in 1...2 {
            let lines = try read()
            #expect(lines.count == 2 && lines[0].hasSuffix("@0\tMoneyBurnt (skipped)\t{}"))
            #expect(lines[1].contains("@1\tMoneyCredited\t"), "\(lines)")
            #expect(try read("--json", "--limit", "1")[0].hasSuffix(#","skipped":true}"#))
            let export = try suite.succeed("event-store", "export", "--category", "account")
            #expect(export == original)
            let upcast = try suite.succeed(
                "event-store", "export", "--upcast", "--category", "account")
            #expect(upcast.split(separator: "\n").count == 1)
            let tail = try suite.succeed("event-store", "tail", "--from", "1", "--limit", "1")
            #expect(tail.contains("MoneyBurnt (skipped)"))
            #expect(suite.terminate("event-store") == 0)
            #expect(try suite.run("event-store", "verify", "--chain").status == 0)
            try suite.start("event-store")
        }
    }

    @Test func `Amendment that is wrong or not needed is rejected with the reason`() throws {
        try suite.appendUnchecked("account-p1", "MoneyCredited")
        try suite.appendUnchecked("account-p1", "MoneyCredited", Suite.credit("p1"))
        try suite.appendUnchecked("card-1", "Punched")
        let (empty, other) = (try suite.write("{}"), try suite.write(Suite.credit("p2")))
        try suite.expect(65, "lacks 'account'", "amend", "1", "--data", empty, "--reason", "r")
        try suite.expect(65, "is about 'p2'", "amend", "1", "--data", other, "--reason", "r")
        let none = try suite.write("")
        try suite.expect(65, "is not JSON", "amend", "1", "--data", none, "--reason", "r")
        try suite.expect(65, "can't be read", "amend", "1", "--data", "/none", "--reason", "r")
        try suite.expect(
            65, "credit reverse 2 --reason", "amend", "2", "--data", other, "--reason", "r")
        try suite.expect(65, "credit reverse 2 --reason", "amend", "2", "--reason", "r")
        try suite.expect(65, "there is no event 99", "amend", "99", "--reason", "r")
        try suite.expect(64, "amend", "amend", "1")
        try suite.expect(64, "amend", "amend", "1", "--reason", "")
        try suite.expect(64, "amend", "amend", "1", "--undo", "--data", empty, "--reason", "r")
        try suite.expect(64, "amend", "amend", "x", "--reason", "r")
        // No contract of the suite knows the events of other producers.
        try suite.succeed("event-store", "amend", "3", "--data", empty, "--reason", "r")
        try suite.expect(65, "the event store's own", "amend", "4", "--reason", "r")
        try suite.succeed(
            "event-store", "amend", "1", "--data", other, "--reason", "r", "--unchecked")
        #expect(
            try suite.succeed("event-store", "amend", "2", "--undo", "--reason", "r")
                == "nothing to do\n")
        #expect(try read().filter { $0.contains("(amended)") }.count == 1)
    }

    @Test func `Only the key of an administrator may amend`() async throws {
        let suite = try Suite()
        try suite.useTCP()
        try suite.makeKey("clerk", ["--append", "card"])
        try suite.start("event-store")
        let append = [
            "event-store", "append", "--stream", "card-1", "--type", "T", "--data", "1",
        ]
        #expect(try suite.run(append, as: "clerk").status == 0)
        for command in [["amend", "1"], ["amend", "1", "--undo"]] {
            let amend = ["event-store"] + command + ["--reason", "r"]
            let refused = try suite.run(amend, as: "clerk")
            #expect(refused.status == 65, "\(refused)")
            #expect(refused.errors.contains("the key of clerk may not administer"), "\(refused)")
        }
        try suite.succeed("event-store", "amend", "1", "--reason", "r")
        let store = try await suite.eventStore()
        let events = try await store.read(ReadRequest()).events.reduce(into: []) { $0.append($1) }
        #expect(events.map(\.isSkipped) == [true, false])
        #expect(EventMetadata(of: events[1])?.actor.hasPrefix("operator (") == true)
        await store.close()
    }

    @Test func `Services read bad events as they were amended, at every position`() async throws {
        let suite = try Suite()
        try await suite.startAll()
        try suite.customer("p1", funds: "10.00", credit: "0.00")
        // A participant that got the event as it was appended would make it a dead letter.
        try suite.succeed("event-store", "queues", "pause", "creditLimit")
        let unknown = try suite.appendUnchecked("account-p1", "MoneyBurnt")
        let empty = try suite.appendUnchecked("account-p1", "MoneyCredited")
        let misplaced = try suite.appendUnchecked(
            "account-zzz", "MoneyCredited", Suite.credit("p1", 700))
        for position in [unknown, misplaced] {
            try suite.succeed("event-store", "amend", "\(position)", "--reason", "no such event")
        }
        try suite.succeed(
            "event-store", "amend", "\(empty)", "--data", try suite.write(Suite.credit("p1", 500)),
            "--reason", "it was empty")
        try suite.succeed("event-store", "queues", "resume", "creditLimit")
        // New processes learn of the amendments when they start.
        for service in ["balance", "credit", "withdraw"] {
            suite.terminate(service)
            try suite.start(service)
        }
        try await suite.caughtUp("balance")
        let balance = try await suite.client(of: "balance")
        for moment in [nil, Moment.position(misplaced)] {
            let account = try await balance.query(
                "account", "p1", asOf: moment, as: AccountView.self)
            #expect(account.funds == 1500, "\(account)")
        }
        let before = try await balance.query(
            "account", "p1", asOf: .position(unknown), as: AccountView.self)
        #expect(before.funds == 1000, "\(before)")
        // Commands are decided on the amended events, too.
        try suite.succeed("withdraw", "p1", "15.00")
        try await suite.caughtUp("balance")
        try suite.succeed("balance", "rebuild")
        let last = try await balance.query("account", "p1", as: AccountView.self)
        #expect(last.funds == 0, "\(last)")
        await balance.close()
        let audit = try suite.audit()
        #expect(audit.status == 0, "\(audit)")
        #expect(audit.output.contains("3 of the events are amended"), "\(audit.output)")
    }
}
