public import EventStoreClient
import Keys
import WireProtocol
import ZeroMQ

/// The connection of a command to the event store.
public enum EventStoreConnection {
    /// Returns the result of `body`, which gets a client that is closed afterwards.
    ///
    /// - Parameters:
    ///   - endpoint: the store's endpoint, or nil for its endpoint in the environment or below
    ///     `home`.
    ///   - home: the folder of the suite's state.
    ///   - timeout: how long each request waits for an answer.
    /// - Throws: `unavailable` if the store's socket does not exist, and what `body` throws.
    public static func with<Result>(
        _ endpoint: String?, home: String, timeout: Duration,
        _ body: (EventStoreClient) async throws -> Result
    ) async throws -> Result {
        let endpoint = endpoint ?? Endpoints.eventStore(home: home)
        try await LocalSocket.check(endpoint, of: "event-store", within: timeout)
        let client = try await EventStoreClient(
            endpoint: endpoint, on: SocketLoop(name: "client"), in: .ofProcess(), timeout: timeout)
        return try await closing(client.close) { try await body(client) }
    }
}
