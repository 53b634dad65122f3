import Contracts
import EventSourcing
import EventStoreClient
import Foundation
import IntegrationHarness
import Testing
import WireProtocol
import ZeroMQ

extension `Keys over TCP` {
    @Test func `Revoked key is disconnected from the store, the services and the feed`()
        async throws
    {
        let suite = try Suite()
        try suite.useTCP()
        for name in ["mallory", "writer"] { try suite.makeKey(name, ["--append", "*"]) }
        try suite.start("event-store")
        try suite.start("balance")
        // Both keys are connected and stay connected.
        let mallory = try suite.context(of: "mallory")
        let lost = try await suite.eventStore(in: mallory)
        let other = try await suite.client(of: "balance", in: mallory)
        let writer = try await suite.eventStore(in: suite.context(of: "writer"))
        _ = try await other.query("status", Nothing(), as: ServiceStatus.self)
        let before = try await lost.append([event(1)])
        let loop = SocketLoop(name: "listener")
        let spy = try await Stranger(
            .sub, to: suite.endpoint(of: "feed"), on: loop, in: mallory)
        _ = try await spy.receive()
        let ear = try await Stranger(
            .sub, to: suite.endpoint(of: "feed"), on: loop, in: suite.context(of: "writer"))
        let subscription = try await writer.subscribe(after: before.last)

        let revoked = try suite.run("event-store", "keys", "revoke", "mallory")
        #expect(revoked.status == 0, "\(revoked)")
        // The feed sends nothing to the revoked key while the other key receives heartbeats.
        var missed = 0
        while missed < 4 {
            #expect(try await ear.receive() != nil)
            missed = try await spy.receive(within: .zero) == nil ? missed + 1 : 0
        }
        await #expect {
            _ = try await lost.append([event(666)], timeout: .seconds(1))
        } throws: { DaybookError.Kind(of: $0) == .unavailable }
        await #expect { _ = try await lost.welcome(timeout: .seconds(1)) } throws: {
            DaybookError.Kind(of: $0) == .unavailable
        }
        await other.close()
        let again = try await suite.client(of: "balance", in: mallory, timeout: .seconds(1))
        await #expect {
            _ = try await again.query("status", Nothing(), as: ServiceStatus.self)
        } throws: { DaybookError.Kind(of: $0) == .unavailable }
        // A subscriber with another key misses nothing.
        var heard: [UInt64] = []
        for id in 2...20 { heard.append(try await writer.append([event(id)]).last) }
        var events: [RecordedEvent] = []
        while events.count < heard.count { events += try await subscription.next().events }
        #expect(events.map(\.position) == heard)
        #expect(try await spy.receive(within: .zero) == nil)
        for client in [lost, writer] { await client.close() }
        await again.close()
    }

    @Test func `New key works while the revoked key of the same name is refused`() async throws {
        let suite = try Suite()
        try suite.useTCP()
        try suite.makeKey("writer", ["--append", "*"])
        try suite.start("event-store")
        let old = try await suite.eventStore(in: suite.context(of: "writer"))
        _ = try await old.append([event(1)])
        #expect(try suite.run("event-store", "keys", "revoke", "writer").status == 0)
        try FileManager.default.removeItem(at: suite.keys.appending(path: "writer.key"))
        try suite.makeKey("writer", ["--append", "*"])
        let new = try await suite.eventStore(in: suite.context(of: "writer"))
        _ = try await new.append([event(2)])
        await #expect {
            // Some appends may succeed until the store has read the changed keyring.
            for id in 3...100_000 { _ = try await old.append([event(id)], timeout: .seconds(1)) }
        } throws: { DaybookError.Kind(of: $0) == .unavailable }
        await old.close()
        await new.close()
    }

    private func event(_ id: Int) throws -> NewEvent {
        NewEvent(stream: try StreamName("a-\(id)"), type: "T", data: [])
    }
}
