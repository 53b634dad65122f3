import Contracts
import EventSourcing
import EventStoreClient
import Foundation
import IntegrationHarness
import Keys
import Observability
import TestSupport
import Testing
import WireProtocol
import ZeroMQ

@Suite(.mayBlock, .serialized, .timeLimit(.minutes(10))) struct `Keys of a suite` {
    @Test func `Server accepts TCP connections only from keys in the keyring`() async throws {
        let suite = try Suite()
        try suite.useTCP()
        try await suite.startAll()
        try suite.customer("olga", funds: "100.00", credit: "0.00")
        try await suite.place("far", of: "olga", price: 1000)
        #expect(try await suite.ended("far").status == .confirmed)
        #expect(try suite.audit().status == 0)

        // The service refuses clients without a key or with an unknown key.
        let endpoint = try #require(suite.environment["DAYBOOK_BALANCE_ENDPOINT"])
        let folder = URL(filePath: suite.home).appending(path: "stranger")
        let stranger = try suite.run(
            "event-store", "keys", "new", "stranger", "--keyring", "\(folder.path)/keyring.json")
        #expect(stranger.status == 0, "\(stranger)")
        let balance = try #require(
            Keyring(suite.keys.appending(path: "keyring.json")).key(of: "balance"))
        var known = try Keyring(folder.appending(path: "keyring.json"))
        try known.add("balance", balance, at: .now())
        try known.write(to: folder.appending(path: "keyring.json"))
        let context = try Credentials(
            key: folder.appending(path: "stranger.key"),
            keyring: folder.appending(path: "keyring.json")
        ).context
        for context in [context, try Context()] {
            let client = try await ServiceClient(
                endpoint: endpoint, of: "balance", timeout: .seconds(1), actor: "x", in: context)
            await #expect {
                _ = try await client.query("account", "olga", as: AccountView.self)
            } throws: { DaybookError.Kind(of: $0) == .unavailable }
            await client.close()
        }
        // Other clients are not affected.
        #expect(try suite.run("balance", "show", "olga").status == 0)
    }

    @Test func `Server refuses a revoked key without a restart`() async throws {
        let suite = try Suite()
        try suite.useTCP()
        try await suite.startAll()
        try suite.customer("pam", funds: "100.00", credit: "0.00")
        let keyring = suite.keys.appending(path: "keyring.json")
        // This client's own keyring is out of date.
        let copy = suite.keys.appending(path: "copy.json")
        try FileManager.default.copyItem(at: keyring, to: copy)
        let revoked = try suite.run(
            "event-store", "keys", "revoke", "operator", "--keyring", keyring.path)
        #expect(revoked.status == 0, "\(revoked)")
        let context = try Credentials(
            key: suite.keys.appending(path: "operator.key"), keyring: copy
        ).context
        let client = try await ServiceClient(
            endpoint: try #require(suite.environment["DAYBOOK_BALANCE_ENDPOINT"]), of: "balance",
            timeout: .seconds(1), actor: "x", in: context)
        await #expect {
            _ = try await client.query("account", "pam", as: AccountView.self)
        } throws: {
            DaybookError.Kind(of: $0) == .unavailable
                && "\($0)".hasPrefix("denied: balance at tcp://127.")
                && "\($0)".contains("does not accept this process's key")
        }
        await client.close()
        let own = try suite.run("balance", "show", "pam", "--timeout", "1")
        #expect(own.status == 65 && own.errors.contains("no valid key"), "\(own)")
    }

    @Test func `Argument of the greatest length is answered, also when it is encrypted`()
        async throws
    {
        let suite = try Suite()
        try suite.useTCP()
        try suite.start("event-store")
        try suite.start("balance")
        let loop = SocketLoop(name: "stranger")
        let stranger = try await Stranger(
            .dealer, to: suite.endpoint(of: "balance"), on: loop,
            in: suite.context(of: "operator"), name: "balance")
        for count in [Limits.argumentBytes, Limits.argumentBytes + 1] {
            let argument = Array(repeating: UInt8(ascii: " "), count: count)
            try await stranger.send([
                MessageHeader(.call, requestID: UInt64(count)).bytes, Array("account".utf8),
                argument,
            ])
            let body = try #require(await stranger.receive())[1]
            let error = ProtocolError(body.span)
            #expect(error.code == .invalid)
            #expect(error.message.contains("bytes") == (count > Limits.argumentBytes))
        }
    }

    @Test func `Command with a key that is not accepted fails before its timeout and says why`()
        async throws
    {
        let suite = try Suite()
        try suite.useTCP()
        try suite.start("event-store")
        #expect(try suite.run("event-store", "stats").status == 0)
        let copy = suite.keys.appending(path: "copy.json")
        try FileManager.default.copyItem(
            at: suite.keys.appending(path: "keyring.json"), to: copy)
        #expect(try suite.run("event-store", "keys", "revoke", "operator").status == 0)
        suite.environment["DAYBOOK_KEYRING"] = copy.path
        for command in [["stats"], ["read"], ["queues", "list"]] {
            let run = try suite.run(["event-store"] + command)
            #expect(run.status == 69 && run.output.isEmpty, "\(run)")
            #expect(
                run.errors.hasPrefix("event-store: denied: event-store at tcp://127."),
                "\(command): \(run)")
            #expect(run.errors.split(separator: "\n").count == 1, "\(run)")
        }
    }

    @Test func `Process whose key was revoked logs it, is not ready and has it in its metrics`()
        async throws
    {
        let suite = try Suite()
        try suite.useTCP()
        try suite.start("event-store", ["--rules", Suite.rules])
        try suite.start("balance")
        _ = try await suite.status(of: "balance")
        #expect(try suite.scrape("balance")["daybook_key_valid"] == 1)
        #expect(try suite.run("event-store", "keys", "revoke", "balance").status == 0)
        for text in [
            "the key of this process is not valid any more",
            "denied: event-store at tcp://127.",
        ] {
            while !suite.log(of: "balance").contains(text) { try await lookAgainSoon() }
        }
        let metrics = try suite.scrape("balance")
        #expect(metrics["daybook_key_valid"] == 0 && metrics["daybook_keyring_valid"] == 1)
        #expect(metrics["daybook_connections_refused_total"] ?? 0 >= 1)
        #expect(metrics["daybook_event_store_up"] == 0)
        let (status, body) = try suite.get("/ready", of: "balance")
        #expect(status.contains("503") && body.contains("the key of this process"), "\(body)")
        #expect(suite.isRunning("balance"))
    }

    @Test func `Service connects to an event store with a new key without a restart`()
        async throws
    {
        let suite = try Suite()
        try suite.useTCP()
        // Without the rules, the service keeps looking for its queue over new connections.
        try suite.start("event-store")
        try suite.start("balance")
        _ = try await suite.status(of: "balance")
        while !suite.log(of: "event-store").contains("] ready") { try await lookAgainSoon() }
        #expect(try suite.run("event-store", "keys", "revoke", "event-store").status == 0)
        while !suite.log(of: "balance").contains("no valid key of event-store any more") {
            try await lookAgainSoon()
        }
        #expect(suite.terminate("event-store") == 0)
        let key = suite.keys.appending(path: "event-store.key")
        try FileManager.default.moveItem(at: key, to: key.appendingPathExtension("old"))
        try suite.makeKey("event-store")
        try suite.start("event-store", ["--rules", Suite.rules])
        let opened = try suite.run("balance", "open", "kim")
        #expect(opened.status == 0, "\(opened)")
        #expect(suite.isRunning("balance"))
        let log = suite.log(of: "balance")
        #expect(log.contains("the key of event-store was replaced"), "\(log)")
    }

    @Test func `Tail whose key was revoked says what it waits for`() async throws {
        let suite = try Suite()
        try suite.useTCP()
        try suite.makeKey("tail")
        try suite.makeKey("writer", ["--append", "note"])
        try suite.start("event-store")
        try suite.start("tail", command: ["event-store", "tail"])
        // It begins with the next event, so it has begun once it prints one.
        while suite.log(of: "tail").isEmpty {
            let appended = try suite.run(
                ["event-store", "append", "--stream", "note-1", "--type", "Noted", "--data", "1"],
                as: "writer")
            #expect(appended.status == 0, "\(appended)")
        }
        #expect(try suite.run("event-store", "keys", "revoke", "tail").status == 0)
        while !suite.log(of: "tail").contains("does not accept this process's key") {
            try await lookAgainSoon()
        }
        #expect(suite.log(of: "tail").contains("waiting for it"))
        #expect(suite.terminate("tail") == 0)
    }

    @Test func `Broken or removed keyring is logged, and the last valid one stays in use`()
        async throws
    {
        let suite = try Suite()
        try suite.useTCP()
        try suite.start("event-store")
        // This context has read the keyring already.
        let known = try suite.context(of: "operator")
        let store = try await suite.eventStore()
        _ = try await store.welcome()
        let keyring = suite.keys.appending(path: "keyring.json")
        let whole = try Data(contentsOf: keyring)
        func wait(for text: String) async throws {
            while !suite.log(of: "event-store").contains(text) { try await lookAgainSoon() }
        }
        try Data("{".utf8).write(to: keyring, options: .atomic)
        try await wait(for: "is not a keyring")
        try FileManager.default.removeItem(at: keyring)
        try await wait(for: "can't be read")
        #expect(try suite.scrape("event-store")["daybook_keyring_valid"] == 0)
        // Known keys are admitted, also in new connections, and others are not.
        let again = try await suite.eventStore(in: known)
        for client in [store, again] { _ = try await client.welcome() }
        let open = try await suite.eventStore(in: Context())
        await #expect { _ = try await open.welcome(timeout: .seconds(1)) } throws: {
            DaybookError.Kind(of: $0) == .unavailable
        }
        try whole.write(to: keyring, options: .atomic)
        try await wait(for: "is valid again")
        #expect(try suite.scrape("event-store")["daybook_keyring_valid"] == 1)
        let faults = suite.log(of: "event-store").split(separator: "\n").filter {
            $0.contains("the keyring can't be used")
        }
        #expect(faults.count == 2, "\(faults)")
        for client in [store, again, open] { await client.close() }
    }

    @Test func `Event store does not open a network endpoint without keys`() async throws {
        let suite = try Suite()
        suite.environment["DAYBOOK_EVENT_STORE_ENDPOINT"] = "tcp://0.0.0.0:7700"
        let store = try suite.run("event-store", "serve")
        #expect(
            store.status == 69 && store.errors.contains("event-store keys new"), "\(store)")
        suite.environment["DAYBOOK_KEY"] = "\(suite.home)/none.key"
        let half = try suite.run("event-store", "serve")
        #expect(half.status == 65 && half.errors.contains("DAYBOOK_KEYRING"), "\(half)")
    }

    @Test func `Keyring is written in place, and an incomplete one is reported with its copy`()
        throws
    {
        let suite = try Suite()
        let folder = URL(filePath: suite.home)
        let file = folder.appending(path: "keyring.json")
        func inode() throws -> Int? {
            try FileManager.default.attributesOfItem(atPath: file.path)[.systemFileNumber] as? Int
        }
        var keyring = Keyring()
        try keyring.write(to: file)
        let before = try inode()
        try keyring.add("ann", CurveKeyPair.generate().publicKey, at: .now())
        try keyring.add("bob", CurveKeyPair.generate().publicKey, at: .now())
        try keyring.write(to: file)
        try keyring.revoke("bob", at: .now())
        try keyring.write(to: file)
        #expect(try Keyring(file) == keyring)
        #expect(try before != nil && inode() == before)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 1)
        // The files are as if the machine had stopped during the write.
        let whole = try Data(contentsOf: file)
        try whole.write(to: folder.appending(path: "keyring.json.new"))
        try whole.prefix(100).write(to: file)
        let error = #expect(throws: DaybookError.self) { try Keyring(file) }
        #expect(error?.kind == .damaged)
        #expect(error?.description.contains("keyring.json.new") == true)
    }
}
