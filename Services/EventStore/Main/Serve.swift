import ArgumentParser
import EventLog
import EventSourcing
import EventStoreServer
import Foundation
import ZeroMQ

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve the log until SIGTERM or SIGINT.")

    @OptionGroup var store: StoreOptions

    @Option(help: "The endpoint of the feed (DAYBOOK_FEED).")
    var feed: String?

    func run() async throws {
        let home = store.home
        let feed =
            feed ?? ProcessInfo.processInfo.environment["DAYBOOK_FEED"] ?? "ipc://\(home)/feed.sock"
        do {
            try FileManager.default.createDirectory(
                atPath: home, withIntermediateDirectories: true)
            let server = try await EventStoreServer(
                endpoint: store.requestEndpoint, feed: feed, on: SocketLoop(name: "event-store"),
                in: Context()
            ) {
                try EventLog(in: FileStorage(folder: home + "/log"), now: Timestamp.now)
            }
            note("ready at \(store.requestEndpoint), feed at \(feed)")
            try await runUntilSignalled(server)
        } catch let error as LogError {
            throw Problem(status: EX_IOERR, description: error.description)
        } catch let error as StorageError {
            throw Problem(status: EX_UNAVAILABLE, description: error.description)
        }
        note("stopped")
    }

    private func runUntilSignalled(_ server: EventStoreServer) async throws {
        let (signals, continuation) = AsyncStream.makeStream(of: Int32.self)
        let sources = [SIGTERM, SIGINT].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { continuation.yield(number) }
            source.resume()
            return source
        }
        defer { for source in sources { source.cancel() } }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                do {
                    try await server.run()
                } catch is CancellationError {
                    // Stopped between two turns: all that was taken is answered.
                }
            }
            group.addTask { for await _ in signals { return } }
            try await group.next()
            group.cancelAll()
        }
    }

    private func note(_ text: String) {
        FileHandle.standardError.write(Data("event-store: \(text)\n".utf8))
    }
}

extension Timestamp {
    /// The system's time.
    @Sendable static func now() -> Timestamp {
        Timestamp(microseconds: Int64(Date.now.timeIntervalSince1970 * 1_000_000))
    }
}
