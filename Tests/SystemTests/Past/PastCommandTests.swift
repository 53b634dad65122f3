import Contracts
import EventSourcing
import EventStoreClient
import Foundation
import IntegrationHarness
import JSON
import Observability
import ServiceRuntime
import TestSupport
import Testing

/// The services' own commands, with real processes.
@Suite(.mayBlock, .timeLimit(.minutes(10))) struct `Commands about past states` {
    /// A suite in which Alice's account has a credit and a withdrawal, and her order was paid and
    /// cancelled.
    private func history() async throws -> IntegrationHarness.Suite {
        let suite = try Suite()
        try await suite.startAll()
        try suite.succeed("balance", "open", "alice")
        try suite.succeed("credit", "alice", "100.00")
        try suite.succeed("creditLimit", "set", "alice", "50.00")
        try suite.succeed("withdraw", "alice", "20.00")
        try suite.succeed(
            "orders", "place", "--id", "o1", "--customer", "alice", "--item", "cd:4:20.00", "--to",
            "LHR")
        _ = try await suite.event(matching: .types(["RouteConfirmed"]))
        _ = try await suite.event(matching: .types(["CreditDrawn"]))
        try suite.succeed("orders", "cancel", "o1")
        for type in ["RouteCancelled", "CreditRestored"] {
            _ = try await suite.event(matching: .types([type]))
        }
        #expect(try suite.audit().status == 0)
        return suite
    }

    @Test func `Queries of a past position answer from the log and change nothing`() async throws {
        let suite = try await history()
        let reserved = try await suite.event(matching: .types(["FundsReserved"]))
        let questions = [
            ["balance", "show", "alice"], ["balance", "show"], ["balance", "statement", "alice"],
            ["creditLimit", "show", "alice"], ["creditLimit", "show"], ["orders", "show", "o1"],
            ["orders", "list", "alice"], ["orders", "summary"], ["route", "show", "o1"],
            ["withdraw", "list", "alice"], ["credit", "list", "alice"],
        ]
        let now = try questions.map { try suite.run($0 + ["--json"]).output }
        let then = try questions.map { question in
            let run = try suite.run(question + ["--position", "\(reserved.position)", "--json"])
            #expect(run.status == 0, "\(question): \(run.errors)")
            let byTime = try suite.run(question + ["--at", "\(reserved.time)", "--json"])
            #expect(byTime.output == run.output, "\(question)")
            return run.output
        }
        #expect(then[0].contains(#""held":8000"#) && then[5].contains(#""status":"pending""#))
        #expect(then[8].contains(#""status":"planned""#))
        let timeline = try suite.succeed(
            "orders", "timeline", "o1", "--position", "\(reserved.position)")
        #expect(timeline.contains("FundsReserved") && !timeline.contains("OrderConfirmed"))
        #expect(try questions.map { try suite.run($0 + ["--json"]).output } == now)

        let change = ["balance", "diff", "alice", "--json"]
        let missing = ["balance", "show", "alice", "--without", "\(reserved.position)", "--json"]
        let computed = try [change, missing].map { try suite.succeed($0) }

        // Files give the same answers, and so does the log while no service is running.
        for service in Suite.services {
            try suite.succeed(
                service, "rebuild", "--into", "\(suite.home)/\(service).then", "--until",
                "\(reserved.position)")
            #expect(suite.terminate(service) == 0)
        }
        for (question, answer) in zip(questions, then) {
            let file = "\(suite.home)/\(question[0]).then"
            #expect(try suite.run(question + ["--store", file, "--json"]).output == answer)
            let run = try suite.run(
                question + ["--position", "\(reserved.position)", "--offline", "--json"])
            #expect(run.output == answer)
        }
        #expect(try [change, missing].map { try suite.succeed($0 + ["--offline"]) } == computed)
        let current = try suite.run("balance", "show", "alice", "--offline", "--json")
        #expect(current.output == now[0])
        let store = "ipc://\(suite.home)/event-store.sock"
        try suite.succeed("balance", "diff", "alice", "--offline", "--event-store", store)
        for arguments in [change, missing, ["balance", "show", "alice", "--at", "2026-01-01"]] {
            let errors = try expect(69, of: arguments + ["--timeout", "0.1"], in: suite)
            #expect(errors.contains("--offline"), "\(errors)")
        }
    }

    @Test func `Diff shows what each event changed`() async throws {
        struct Change: Decodable, Equatable {
            var field: String
            var before: String?
            var after: String?
        }
        struct Report: Decodable {
            struct Step: Decodable {
                struct Event: Decodable { var type: String }
                var event: Event
                var changes: [Change]
            }
            var before: AccountView?
            var after: AccountView?
            var events: [Step]
        }
        let suite = try await history()
        let withdrawn = try await suite.event(matching: .types(["MoneyWithdrawn"]))
        let captured = try await suite.event(matching: .types(["PaymentCaptured"]))
        let output = try suite.succeed(
            "balance", "diff", "alice", "--from", "\(withdrawn.position)", "--to",
            "\(captured.time)", "--json")
        let report = try JSON.decode(Report.self, from: output.utf8)
        #expect(report.before?.funds == 8000 && report.after?.funds == 0)
        #expect(report.events.map(\.event.type) == ["FundsReserved", "PaymentCaptured"])
        #expect(
            report.events[0].changes == [
                Change(field: "held", before: "0.00", after: "80.00"),
                Change(field: "free", before: "80.00", after: "0.00"),
            ])
        // The diff of an order has its own events and those of other services about it.
        let order = try suite.succeed("orders", "diff", "o1")
        for text in ["status - → pending", "pending → confirmed", "confirmed → cancelled"] {
            #expect(order.contains(text), "\(order)")
        }
        #expect(try suite.succeed("route", "diff", "o1").contains("planned → confirmed"))
        #expect(try suite.succeed("creditLimit", "diff", "alice").contains("limit - → 50.00"))
        for wrong in [
            ["balance", "diff", "alice", "--from", "\(captured.position)", "--to", "1"],
            ["balance", "diff", "nobody"], ["orders", "diff", "o1", "--to", "2"],
        ] {
            let run = try suite.run(wrong)
            #expect(run.status == 65 && run.errors.split(separator: "\n").count == 1, "\(run)")
        }
    }

    @Test func `Query without an event shows the state and the decisions it would not allow`()
        async throws
    {
        let suite = try await history()
        let credited = try await suite.event(matching: .types(["MoneyCredited"]))
        let placed = try await suite.event(matching: .types(["OrderPlaced"]))
        let set = try await suite.event(matching: .types(["CreditLimitSet"]))
        let client = try await suite.client(of: "balance")
        let answer = try await client.query(
            "account", "alice", without: .id(credited.id), as: Hypothetical<AccountView>.self)
        await client.close()
        #expect(answer.hypothetical && answer.without.id == credited.id)
        #expect(answer.state?.funds == -2000 && answer.refusal == nil)
        #expect(answer.noLongerAllowed.map(\.event.type) == ["MoneyWithdrawn", "FundsReserved"])
        let shown = try suite.succeed("balance", "show", "alice", "--without", "\(credited.id)")
        #expect(shown.hasPrefix("HYPOTHETICAL") && shown.contains("-20.00"), "\(shown)")
        #expect(shown.contains("later events that would not be possible:"))
        let json = try suite.succeed(
            "balance", "show", "alice", "--without", "\(credited.id)", "--json")
        let printed = try JSON.decode(
            Hypothetical<AccountView>.self, from: json.utf8)
        #expect(printed.state == answer.state)
        #expect(printed.noLongerAllowed == answer.noLongerAllowed)
        let byPosition = try suite.succeed(
            "balance", "show", "alice", "--without", "\(credited.position)")
        #expect(byPosition == shown)
        for question in [
            ["balance", "show"], ["balance", "statement", "alice"], ["credit", "list", "alice"],
            ["withdraw", "list", "alice"],
        ] {
            let run = try suite.run(question + ["--without", "\(credited.id)"])
            #expect(run.status == 0 && run.output.contains("MoneyWithdrawn"), "\(run)")
        }
        let order = try suite.succeed("orders", "show", "o1", "--without", "\(placed.id)")
        #expect(order.contains("there is no order o1") && order.contains("OrderConfirmed"))
        let limit = try suite.succeed("creditLimit", "show", "alice", "--without", "\(set.id)")
        #expect(limit.contains("CreditReserved"), "\(limit)")
        let created = try await suite.event(matching: .init([.init(categories: ["route"])]))
        let route = try suite.succeed("route", "show", "o1", "--without", "\(created.id)")
        #expect(route.contains("RouteConfirmed"), "\(route)")

        for (event, word) in [
            (EventID.random(), "there is no event"),
            (placed.id, "is not one of balance's own events"),
        ] {
            let run = try suite.run("balance", "show", "alice", "--without", "\(event)")
            #expect(run.status == 65 && run.errors.contains(word), "\(run)")
        }
        let early = try suite.run(
            "balance", "show", "alice", "--position", "\(credited.position - 1)", "--without",
            "\(credited.id)")
        #expect(early.status == 65 && early.errors.contains("had not happened"), "\(early)")
    }

    @Test func `Invalid positions, times, events and stores are rejected`() async throws {
        let suite = try await history()
        for (status, arguments) in [
            (65, ["balance", "show", "alice", "--position", "1000000"]),
            (65, ["balance", "show", "--at", "2999-01-01"]),
            (65, ["balance", "show", "alice", "--at", "1999-01-01"]),
            (64, ["balance", "show", "alice", "--position", "0"]),
            (64, ["balance", "show", "alice", "--at", "noon"]),
            (64, ["balance", "show", "alice", "--at", "2026-01-01", "--position", "1"]),
            (64, ["balance", "show", "--store", "x", "--position", "1"]),
            (64, ["balance", "diff", "alice", "--event-store", "ipc://x"]),
            (64, ["balance", "show", "alice", "--without", "x"]),
            (64, ["balance", "show", "alice", "--without", "0"]),
            (65, ["balance", "show", "alice", "--without", "1000000"]),
            (64, ["balance", "rebuild", "--until", "1"]),
            (65, ["balance", "show", "--store", "/nonexistent"]),
            (65, ["balance", "rebuild", "--into", "/etc/passwd"]),
            (65, ["balance", "rebuild", "--into", "/nonexistent/file"]),
        ] {
            try expect(Int32(status), of: arguments, in: suite)
        }
        // A service rejects the store of another service.
        for service in Suite.services {
            try suite.succeed(service, "rebuild", "--into", "\(suite.home)/\(service).store")
        }
        for (arguments, other) in [
            (["balance", "show"], "orders"), (["creditLimit", "show"], "route"),
            (["orders", "summary"], "balance"), (["route", "show", "o1"], "orders"),
            (["credit", "list", "alice"], "withdraw"), (["withdraw", "list", "alice"], "credit"),
        ] {
            let file = "\(suite.home)/\(other).store"
            let errors = try expect(65, of: arguments + ["--store", file], in: suite)
            #expect(errors.contains("not of \(arguments[0])"), "\(errors)")
        }
    }

    @Test func `Past queries of a stopped entity and rebuilds name the event`() async throws {
        let suite = try await history()
        let store = try await suite.eventStore()
        let position = try await store.append([
            NewEvent(stream: try StreamName("account-alice"), type: "AccountFrozen", data: [])
        ]).first
        await store.close()
        for arguments in [
            ["balance", "show", "alice", "--position", "\(position)"],
            ["balance", "diff", "alice"],
            ["credit", "list", "alice", "--at", "\(Timestamp.now())"],
        ] {
            let errors = try expect(65, of: arguments, in: suite)
            #expect(errors.contains("AccountFrozen at position \(position)"), "\(errors)")
        }
        let errors = try expect(65, of: ["balance", "diff", "alice", "--offline"], in: suite)
        #expect(errors.contains("AccountFrozen at position \(position)"), "\(errors)")
        try suite.succeed("balance", "show", "alice", "--position", "\(position - 1)")
        let list = try suite.succeed("balance", "show", "--position", "\(position)")
        let rows = list.split(separator: "\n")
        let stopped = rows.filter { $0.contains("AccountFrozen at position \(position)") }
        #expect(rows.count == 2 && stopped.count == 1 && stopped[0].hasPrefix("alice "), "\(list)")
        // A rebuild builds everything else.
        let file = "\(suite.home)/file"
        let rebuild = try suite.run("withdraw", "rebuild", "--into", file)
        #expect(rebuild.status == 65, "\(rebuild)")
        #expect(rebuild.errors.contains("AccountFrozen at position \(position)"), "\(rebuild)")
        let refused = try expect(65, of: ["withdraw", "list", "alice", "--store", file], in: suite)
        #expect(refused.contains("alice has stopped"), "\(refused)")
    }

    /// Runs a command that must fail with one line, or with its usage if the status is 64. Returns
    /// the error.
    @discardableResult
    private func expect(
        _ status: Int32, of arguments: [String], in suite: IntegrationHarness.Suite
    ) throws -> String {
        let run = try suite.run(arguments)
        #expect(run.status == status, "\(arguments): \(run)")
        #expect(status == 64 || run.errors.split(separator: "\n").count == 1, "\(run.errors)")
        return run.errors
    }
}
