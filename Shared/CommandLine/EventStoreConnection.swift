public import EventStoreClient
import Keys
import WireProtocol
import ZeroMQ

/// A command's own connection to the event store.
public enum EventStoreConnection {
    /// A client of the store at `endpoint`, or at that below `home`; closed behind `body`.
    public static func with<Result>(
        _ endpoint: String?, home: String, _ body: (EventStoreClient) async throws -> Result
    ) async throws -> Result {
        let client = try await EventStoreClient(
            endpoint: endpoint ?? Endpoints.eventStore(home: home),
            on: SocketLoop(name: "client"), in: .ofProcess())
        do {
            let result = try await body(client)
            await client.close()
            return result
        } catch {
            await client.close()
            throw error
        }
    }
}
