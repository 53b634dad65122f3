public import ArgumentParser
import EventBus
public import EventLog
import EventSourcing
import EventStoreClient
import EventStoreServer
import Foundation
import Logging
import ServiceKit
import ZeroMQ

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve the log until SIGTERM or SIGINT.")

    @OptionGroup var store: StoreOptions

    @Option(help: "The endpoint of the feed (DAYBOOK_FEED_ENDPOINT).")
    var feed: String?

    @Option(help: "The endpoint of the bus (DAYBOOK_BUS_ENDPOINT).")
    var bus: String?

    @Option(
        help: "A file of queues and rules; those that are new to the log are made (DAYBOOK_RULES).",
        completion: .file())
    var rules: String?

    @Option(help: "When an append is on disk: sync (before it is answered), interval, none.")
    var durability = Durability.sync

    func run() async throws {
        let home = store.home
        let feed = endpoint(feed, "DAYBOOK_FEED_ENDPOINT", "feed")
        let bus = endpoint(bus, "DAYBOOK_BUS_ENDPOINT", "bus")
        let wiring = try (rules ?? Endpoints.environment("DAYBOOK_RULES")).map(Wiring.init(file:))
        do {
            try FileManager.default.createDirectory(
                atPath: home, withIntermediateDirectories: true)
            let server = try await makeServer(feed: feed, bus: bus)
            try await untilSignalled {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await server.run() }
                    group.addTask { try await serveBus(at: bus, wiring) }
                    try await group.next()
                    group.cancelAll()
                }
            }
        } catch let error as LogError {
            throw Problem(status: EX_IOERR, error.description)
        } catch let error as StorageError {
            throw Problem(status: EX_UNAVAILABLE, error.description)
        }
        note("stopped")
    }

    private var listening: String {
        store.endpoint ?? Endpoints.listening(of: "event-store", home: store.home)
    }

    private func endpoint(_ given: String?, _ variable: String, _ name: String) -> String {
        given ?? Endpoints.environment(variable) ?? "ipc://\(store.home)/\(name).sock"
    }

    private func makeServer(feed: String, bus: String) async throws -> EventStoreServer {
        let (home, durability) = (store.home, durability)
        return try await EventStoreServer(
            endpoint: listening, feed: feed, bus: bus, durability: durability,
            on: SocketLoop(name: "event-store"), in: .ofProcess()
        ) {
            let background = DispatchQueue(label: "log", qos: .utility)
            return try EventLog(
                in: FileStorage(folder: home + "/log"), durability: durability,
                background: { background.async(execute: $0) }, now: { Timestamp.now() })
        }
    }

    /// Runs the bus, which is a client of the store as any other, on a thread of its own.
    private func serveBus(at endpoint: String, _ wiring: Wiring?) async throws {
        let (loop, context) = (SocketLoop(name: "bus"), try Context.ofProcess())
        let client = try await EventStoreClient(
            endpoint: listening, on: loop, in: context)
        let bus = try await Bus(
            endpoint: endpoint, folder: store.home + "/bus", client: client, on: loop,
            in: context, logger: Logger(label: "bus") { StreamLogHandler.standardError(label: $0) })
        note("ready at \(listening), bus at \(endpoint)")
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await bus.run() }
            group.addTask {
                try await wiring?.defineNew(in: client, actor: "event-store") { note($0) }
            }
            try await group.waitForAll()
        }
    }

    private func note(_ text: String) {
        FileHandle.standardError.write(Data("event-store: \(text)\n".utf8))
    }
}

extension Durability: ExpressibleByArgument {}
