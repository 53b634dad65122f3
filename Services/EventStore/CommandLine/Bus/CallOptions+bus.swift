import ArgumentParser
import CommandLine
import EventStoreClient
import Foundation
import WireProtocol

extension CallOptions {
    /// How long to wait for an answer.
    var timeoutDuration: Duration { .seconds(timeout) }

    /// Runs `body` with a client of the event store, and closes the client afterwards.
    func withStore<Result>(
        _ body: (EventStoreClient) async throws -> Result
    ) async throws -> Result {
        try await EventStoreConnection.with(endpoint, home: home, body)
    }

    /// Runs `body` with a client of the event store's bus, and closes the client afterwards.
    func withBus<Result>(_ body: (ServiceClient) async throws -> Result) async throws -> Result {
        var options = self
        options.endpoint = try await withStore {
            try await $0.busEndpoint(timeout: timeoutDuration)
        }
        return try await options.with("event-store", body)
    }

    /// Runs `body` with a consumer of a queue and the store's welcome, and closes the consumer
    /// afterwards.
    func withConsumer<Result>(
        of queue: String, _ body: (QueueConsumer, Welcome) async throws -> Result
    ) async throws -> Result {
        try await withStore { client in
            let welcome = try await client.welcome(timeout: timeoutDuration)
            let consumer = try await client.consumer(of: queue, timeout: timeoutDuration)
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

    /// Sends a command to the bus, and prints the outcome.
    ///
    /// - Parameter said: the outcome in words, for people.
    func command(
        _ name: String, _ command: some Codable & Sendable, _ said: String
    ) async throws {
        let reply = try await withBus { try await $0.command(name, command) }
        try Output.reply(reply, json: json, said)
    }

    /// Prints one thing as JSON, or as fields for people.
    func show(_ thing: some Encodable, _ fields: [(String, String)]) throws {
        if json { try Output.json(thing) } else { Output.fields(fields) }
    }

    /// Prints things as JSON, one per line, or as a table for people.
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

/// The names that the bus knows, for completion in shells.
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

    /// Returns no names if the bus does not answer, because a completion can't show an error.
    private static func names<View>(
        _ ask: (ServiceClient) async throws -> [View]
    ) async -> [View] {
        guard let options = try? CallOptions.parse(["--timeout", "1"]) else { return [] }
        return (try? await options.withBus(ask)) ?? []
    }
}
