public import ArgumentParser
public import EventLog
import EventSourcing
import EventStoreServer
import Foundation
import ServiceKit
import ZeroMQ

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve the log until SIGTERM or SIGINT.")

    @OptionGroup var store: StoreOptions

    @Option(help: "The endpoint of the feed (DAYBOOK_FEED_ENDPOINT).")
    var feed: String?

    @Option(help: "When an append is on disk: sync (before it is answered), interval, none.")
    var durability = Durability.sync

    func run() async throws {
        let (home, durability) = (store.home, durability)
        let feed =
            feed ?? Endpoints.environment("DAYBOOK_FEED_ENDPOINT") ?? "ipc://\(home)/feed.sock"
        do {
            try FileManager.default.createDirectory(
                atPath: home, withIntermediateDirectories: true)
            let server = try await EventStoreServer(
                endpoint: store.requestEndpoint, feed: feed, durability: durability,
                on: SocketLoop(name: "event-store"), in: Context()
            ) {
                let background = DispatchQueue(label: "log", qos: .utility)
                return try EventLog(
                    in: FileStorage(folder: home + "/log"), durability: durability,
                    background: { background.async(execute: $0) }, now: { Timestamp.now() })
            }
            note("ready at \(store.requestEndpoint), feed at \(feed)")
            try await untilSignalled { try await server.run() }
        } catch let error as LogError {
            throw Problem(status: EX_IOERR, error.description)
        } catch let error as StorageError {
            throw Problem(status: EX_UNAVAILABLE, error.description)
        }
        note("stopped")
    }

    private func note(_ text: String) {
        FileHandle.standardError.write(Data("event-store: \(text)\n".utf8))
    }
}

extension Durability: ExpressibleByArgument {}
