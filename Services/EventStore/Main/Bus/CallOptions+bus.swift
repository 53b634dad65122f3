import ArgumentParser
import CommandLine
import EventStoreClient
import Foundation
import WireProtocol

extension CallOptions {
    var patience: Duration { .seconds(timeout) }

    /// A client of the event store, closed behind `body`.
    func withStore<Result>(
        _ body: (EventStoreClient) async throws -> Result
    ) async throws -> Result {
        try await EventStoreConnection.with(endpoint, home: home, body)
    }

    /// A client of the event store's bus, closed behind `body`.
    func withBus<Result>(_ body: (ServiceClient) async throws -> Result) async throws -> Result {
        var options = self
        options.endpoint = try await withStore { try await $0.busEndpoint(timeout: patience) }
        return try await options.with("event-store", body)
    }

    /// A consumer of a queue, closed behind `body`, and what the store says of itself.
    func withConsumer<Result>(
        of queue: String, _ body: (QueueConsumer, Welcome) async throws -> Result
    ) async throws -> Result {
        try await withStore { client in
            let welcome = try await client.welcome(timeout: patience)
            let consumer = try await client.consumer(of: queue, timeout: patience)
            do {
                let result = try await body(consumer, welcome)
                await consumer.close()
                return result
            } catch {
                await consumer.close()
                throw error
            }
        }
    }

    /// Has the bus carry out a command, and prints what came of it.
    func command(
        _ name: String, _ command: some Codable & Sendable, _ said: String
    ) async throws {
        let reply = try await withBus { try await $0.command(name, command) }
        try Output.reply(reply, json: json, said)
    }

    /// Prints one thing: as JSON, or its fields for people.
    func show(_ thing: some Encodable, _ fields: [(String, String)]) throws {
        if json { try Output.json(thing) } else { Output.fields(fields) }
    }

    /// Prints things: as JSON, one a line, or as a table for people.
    func list<Thing: Encodable>(
        _ things: [Thing], _ heads: [String], _ row: (Thing) -> [String]
    ) throws {
        if json {
            for thing in things { try Output.json(thing) }
        } else {
            Output.table(heads, things.map(row))
        }
    }
}

/// What is named on the command line: the names that the bus knows, for the shells' completion.
enum BusNames {
    @Sendable static func rules(_: [String], _: Int, _: String) async -> [String] {
        await names { try await $0.query(BusCall.rules, Nothing(), as: [RuleView].self) }
            .map(\.rule.name)
    }

    @Sendable static func queues(_: [String], _: Int, _: String) async -> [String] {
        await names { try await $0.query(BusCall.queues, Nothing(), as: [QueueView].self) }
            .map(\.queue.name)
    }

    @Sendable static func archives(_: [String], _: Int, _: String) async -> [String] {
        await names { try await $0.query(BusCall.archives, Nothing(), as: [ArchiveView].self) }
            .map(\.archive.name)
    }

    @Sendable static func replays(_: [String], _: Int, _: String) async -> [String] {
        await names { try await $0.query(BusCall.replays, Nothing(), as: [ReplayView].self) }
            .map(\.replay.name)
    }

    /// None, where there is nobody to ask: a shell has no place for a complaint.
    private static func names<View>(
        _ ask: (ServiceClient) async throws -> [View]
    ) async -> [View] {
        guard let options = try? CallOptions.parse(["--timeout", "1"]) else { return [] }
        return (try? await options.withBus(ask)) ?? []
    }
}
