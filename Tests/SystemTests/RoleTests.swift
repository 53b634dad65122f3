import Contracts
import EventSourcing
import EventStoreClient
import Foundation
import IntegrationHarness
import JSON
import TestSupport
import Testing
import WireProtocol
import ZeroMQ

/// Permissions of keys, with real processes over TCP.
@Suite(.mayBlock, .timeLimit(.minutes(10))) struct `Keys over TCP` {
    private static func event(_ stream: String, _ type: String = "T") throws -> NewEvent {
        NewEvent(stream: try StreamName(stream), type: type, data: Array("{}".utf8))
    }

    private func expectForbidden(_ body: () async throws -> Void) async {
        let error = await #expect(throws: ProtocolError.self) { try await body() }
        #expect(error?.code == .denied, "\(String(describing: error))")
    }

    @Test func `Key may append only to streams of its own categories`() async throws {
        let suite = try Suite()
        try suite.useTCP()
        try suite.makeKey("loyalty", ["--append", "card"])
        try suite.start("event-store")
        for (name, own) in [("orders", "order-1"), ("credit", "account-1"), ("loyalty", "card-1")] {
            let store = try await suite.eventStore(in: suite.context(of: name))
            let appended = try await store.append([Self.event(own), Self.event(own)])
            for other in ["creditLimit-1", "$rule-1", "orders-1"] {
                await expectForbidden { _ = try await store.append([Self.event(other)]) }
                // One forbidden stream makes the whole append fail.
                await expectForbidden {
                    _ = try await store.append([Self.event(own), Self.event(other)])
                }
            }
            // Only administrators say when an event happened.
            var past = try Self.event(own)
            past.originalTime = Timestamp(microseconds: 0)
            await expectForbidden {
                _ = try await store.append([past], AppendCondition(history: .undelivered))
            }
            #expect(try await store.welcome().head == appended.last)
            await store.close()
        }
        // No key may append to system streams: neither one with '*' nor the event store's own.
        try suite.makeKey("everything", ["--append", "*", "--admin"])
        for name in ["everything", "event-store"] {
            let store = try await suite.eventStore(in: suite.context(of: name))
            _ = try await store.append([Self.event("any-1")])
            await expectForbidden { _ = try await store.append([Self.event("$rule-1")]) }
            await store.close()
        }
        // The operator's key may not append.
        let append = try suite.run(
            "event-store", "append", "--stream", "order-9", "--type", "T", "--data", "{}",
            "--unchecked")
        #expect(append.status == 65, "\(append)")
        #expect(
            append.errors
                == "event-store: the key of operator may not append to streams of 'order'\n")
        #expect(suite.log(of: "event-store").contains(append.errors.dropFirst(13).dropLast(1)))
        let refusals = #"daybook_store_errors_total{code="forbidden"}"#
        #expect(try suite.scrape("event-store")[refusals] ?? 0 >= 19)
    }

    @Test func `New key may only read, and options give it more`() async throws {
        let suite = try Suite()
        try suite.useTCP()
        let made = try suite.run("event-store", "keys", "new", "bob", "ann")
        let folder = suite.keys.path
        #expect(
            made.output
                == "bob: \(folder)/bob.key\n    reads everything\n"
                + "ann: \(folder)/ann.key\n    reads everything\n", "\(made)")
        let worker = try suite.run(
            "event-store", "keys", "new", "worker", "--receive", "invoices", "--read", "order")
        #expect(worker.output.hasSuffix("    reads order; receives from invoices\n"), "\(worker)")
        for wrong in [["--append", "$rule"], ["--receive", "a b"], ["--read", "a b"]] {
            let run = try suite.run(["event-store", "keys", "new", "eve"] + wrong)
            #expect(run.status == 64 && run.output.isEmpty, "\(wrong): \(run)")
        }
        try suite.start("event-store")
        try suite.start("balance")
        for queue in ["invoices", "bob"] {
            #expect(try suite.run("event-store", "queues", "create", queue).status == 0)
        }
        for (name, command, isAllowed) in [
            ("bob", ["event-store", "read"], true),
            ("bob", ["event-store", "queues", "create", "q"], false),
            ("bob", ["balance", "open", "bob"], false),
            ("bob", ["balance", "rebuild"], false),
            ("bob", ["event-store", "queues", "receive", "bob", "--wait", "0"], false),
            (
                "bob",
                ["event-store", "append", "--stream", "a-1", "--type", "T", "--data", "1"], false
            ),
            ("worker", ["event-store", "queues", "receive", "invoices", "--wait", "0"], true),
            ("worker", ["event-store", "queues", "receive", "bob", "--wait", "0"], false),
        ] {
            let run = try suite.run(command, as: name)
            #expect(run.status == (isAllowed ? 0 : 65), "\(name), \(command): \(run)")
            #expect(isAllowed || run.errors.contains("the key of \(name) may not "), "\(run)")
        }
    }

    @Test func `Append with a record that is cut off is rejected, whatever a key may append`()
        async throws
    {
        let suite = try Suite()
        try suite.useTCP()
        try suite.makeKey("loyalty", ["--append", "card"])
        try suite.start("event-store")
        var record: [UInt8] = []
        try Self.event("card-1").encode(into: &record)
        let stranger = try await Stranger(
            .dealer, to: try #require(suite.environment["DAYBOOK_EVENT_STORE_ENDPOINT"]),
            on: SocketLoop(name: "stranger"), in: suite.context(of: "loyalty"))
        for count in 0...record.count {
            let header = MessageHeader(.append, requestID: UInt64(count)).bytes
            try await stranger.send([header, [], Array(record.prefix(count))])
            let answer = try #require(try await stranger.receive())
            let isWhole = count == record.count
            let kind = isWhole ? MessageKind.appended : .error
            #expect(answer.first?.dropFirst(3).first == kind.rawValue, "\(count): \(answer)")
        }
        #expect(suite.isRunning("event-store"), "\(suite.log(of: "event-store"))")
    }

    @Test func `Key may read only its own categories and gets no feed`() async throws {
        let suite = try Suite()
        try suite.useTCP()
        try suite.makeKey("reader", ["--read", "order", "--read", "route"])
        try suite.makeKey("importer", ["--append", "*"])
        try suite.start("event-store")
        let writer = try await suite.eventStore(in: suite.context(of: "importer"))
        let secret = try Self.event("account-1")
        _ = try await writer.append([Self.event("order-1"), secret])
        let reader = try await suite.eventStore(in: suite.context(of: "reader"))
        func read(_ query: EventQuery) async throws -> Int {
            var count = 0
            try await reader.read(ReadRequest(query)) { count += $0.count }
            return count
        }
        #expect(try await read(.categories(["order", "route"])) == 1)
        #expect(try await read(.stream(StreamName("order-1"))) == 1)
        for query: EventQuery in [
            .all, .types(["T"]), .tags(["x"]), .categories(["order", "account"]),
            EventQuery([.init(categories: ["order"]), .init(types: ["T"])]),
            .stream(try StreamName("account-1")),
        ] {
            await expectForbidden { _ = try await read(query) }
        }
        await expectForbidden { _ = try await reader.event(id: secret.id) }
        await expectForbidden { _ = try await reader.streams() }
        #expect(try await reader.streams(StreamsRequest(category: "order")).count == 1)
        // The store does not give it the feed's endpoint, and the feed refuses its connection.
        #expect(try await reader.welcome().feed == nil)
        await expectForbidden {
            _ = try await reader.subscribe(.categories(["order"]), after: .end)
        }
        let loop = SocketLoop(name: "listener")
        let deaf = try await Stranger(
            .sub, to: suite.endpoint(of: "feed"), on: loop, in: suite.context(of: "reader"))
        let hearing = try await Stranger(
            .sub, to: suite.endpoint(of: "feed"), on: loop, in: suite.context(of: "operator"))
        while !suite.log(of: "event-store").contains("not admitted to the feed") {
            _ = try await hearing.receive()
        }
        #expect(try await hearing.receive() != nil)
        #expect(try await deaf.receive(within: .zero) == nil)
        for client in [reader, writer] { await client.close() }
    }

    @Test func `Commands, administration and deliveries need permission, and the key is the actor`()
        async throws
    {
        let suite = try Suite()
        try suite.useTCP()
        try suite.makeKey("teller", ["--command", "credit"])
        try suite.start("event-store", ["--rules", Suite.rules])
        try suite.start("balance")
        try suite.start("credit")
        let opened = try suite.run("balance", "open", "rosa", "--actor", "ann@host")
        #expect(opened.status == 0, "\(opened)")
        let teller = try suite.run(["credit", "rosa", "5.00", "--actor", "operator"], as: "teller")
        #expect(teller.status == 0, "\(teller)")
        let refused = try suite.run(["balance", "open", "sue"], as: "teller")
        #expect(refused.status == 65, "\(refused)")
        #expect(refused.errors == "balance: the key of teller may not send commands to balance\n")
        #expect(suite.log(of: "balance").contains("the key of teller may not send commands"))
        let refusals = #"daybook_calls_total{call="OpenAccount",outcome="forbidden"}"#
        #expect(try suite.scrape("balance")[refusals] ?? 0 >= 1)

        let store = try await suite.eventStore()
        var actors: [String] = []
        try await store.read(ReadRequest(.categories(["account"]))) { events in
            actors += try events.map {
                try JSON.decode(EventMetadata.self, from: $0.metadata).actor
            }
        }
        #expect(actors == ["operator (ann@host)", "teller (operator)"])

        let rules = try suite.run(["event-store", "queues", "create", "mine"], as: "teller")
        #expect(rules.status == 65 && rules.errors.contains("may not administer"), "\(rules)")
        let own = try await suite.client(of: "bus", in: suite.context(of: "balance"))
        await expectForbidden {
            _ = try await own.command(BusCall.deleteQueue, "balance")
        }
        await own.close()
        // A service's key may receive only from the service's own queue.
        for (name, queue, isAllowed) in [
            ("balance", "balance", true), ("credit", "balance", false), ("teller", "route", false),
            ("operator", "route", true),
        ] {
            let run = try suite.run(
                ["event-store", "queues", "receive", queue, "--wait", "0"], as: name)
            #expect(run.status == (isAllowed ? 0 : 65), "\(name), \(queue): \(run)")
        }
        await store.close()
    }

    @Test func `Query of a past state needs the same permission as one of the current state`()
        async throws
    {
        let suite = try Suite()
        try suite.useTCP()
        try suite.makeKey("accountant", ["--read", "account"])
        try suite.makeKey("dispatcher", ["--read", "route"])
        try suite.start("event-store", ["--rules", Suite.rules])
        try suite.start("balance")
        try suite.succeed("balance", "open", "rosa")
        let opened = try await suite.event(matching: .types(["AccountOpened"])).position
        for options in [
            ["show", "rosa"], ["show", "rosa", "--position", "\(opened)"],
            ["show", "rosa", "--without", "\(opened)"], ["diff", "rosa"],
        ] {
            let allowed = try suite.run(["balance"] + options, as: "accountant")
            #expect(allowed.status == 0, "\(options): \(allowed)")
            let denied = try suite.run(["balance"] + options, as: "dispatcher")
            #expect(denied.status == 65, "\(options): \(denied)")
            #expect(denied.errors.contains("may not read other events"), "\(denied)")
        }
        // The service may read the event, but the caller may not: the error does not describe it.
        let rule = try await suite.event(matching: .categories([BusCategory.rule])).position
        let foreign = try suite.run(
            ["balance", "show", "rosa", "--without", "\(rule)"], as: "accountant")
        #expect(foreign.errors == "balance: event \(rule) is not one of balance's own events\n")
    }
}
