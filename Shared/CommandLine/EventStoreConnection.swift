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
    public static func with<Result>(
        _ endpoint: String?, home: String, _ body: (EventStoreClient) async throws -> Result
    ) async throws -> Result {
        let client = try await EventStoreClient(
            endpoint: endpoint ?? Endpoints.eventStore(home: home),
            on: SocketLoop(name: "client"), in: .ofProcess())
        return try await closing(client.close) { try await body(client) }
    }
}
