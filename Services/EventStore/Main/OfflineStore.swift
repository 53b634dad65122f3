import Dispatch
public import EventBus
import EventLog
import EventSourcing
public import EventStoreClient
import EventStoreServer
import Foundation
import Observability
import ZeroMQ

/// A log that no process serves, for a command that appends to it, also to its system streams.
public enum OfflineStore {
    /// Opens the log, or creates it, and returns the result of `body`. Nothing else can reach the
    /// log meanwhile: no bus routes its events and no other process connects.
    ///
    /// - Parameters:
    ///   - home: the folder of the suite's state.
    ///   - segmentBytes: the size of the log's segments, as the store is started with.
    ///   - body: gets a client of the log, and the function that appends to any stream.
    /// - Throws: `unavailable` if another process has locked the log, `LogError` if the log can't
    ///   be opened or written.
    public static func with<Result: Sendable>(
        home: String, segmentBytes: Int,
        _ body:
            @escaping @Sendable (EventStoreClient, @escaping Bus.OwnAppend) async throws ->
            Result
    ) async throws -> Result {
        let context = try Context()
        let endpoint = "inproc://event-store"
        let server = try await EventStoreServer(
            endpoint: endpoint, feed: "inproc://feed", on: SocketLoop(name: "event-store"),
            in: context
        ) {
            let background = DispatchQueue(label: "log", qos: .utility)
            return try EventLog(
                in: FileStorage(folder: home + "/log"), segmentBytes: segmentBytes,
                background: { background.async(execute: $0) }, now: { Timestamp.now() })
        }
        let client = try await EventStoreClient(
            endpoint: endpoint, on: SocketLoop(name: "client"), in: context)
        let serving = Task { try await server.run() }
        let outcome: Swift.Result<Result, any Error>
        do {
            outcome = .success(try await body(client) { try await server.append($0, $1) })
        } catch {
            outcome = .failure(error)
        }
        await client.close()
        serving.cancel()
        // The server closes the log only after its task was cancelled, so this waits for it.
        do { try await serving.value } catch is CancellationError {}
        return try outcome.get()
    }
}
