import EventSourcing
import Keys
import Observability
import WireProtocol
import ZeroMQ

/// Reads the state of the event store and the services once a second.
public struct StoreWatch: Sendable {
    /// How long to wait for a service. One that does not answer must not delay the others.
    private static let timeout: Duration = .milliseconds(500)

    private let client: EventStoreClient
    private let bus: ServiceClient
    private let endpoints: @Sendable () -> [String: String]
    private let context: Context
    private var services: [String: ServiceClient] = [:]
    private var before: (statistics: StoreStatistics, at: ContinuousClock.Instant)

    /// Creates a watch of a store.
    ///
    /// - Parameter endpoints: returns the endpoints of the services that run now, by name. It is
    ///   called before each look, because a service may start later.
    public init(
        _ client: EventStoreClient, _ bus: ServiceClient,
        endpoints: @escaping @Sendable () -> [String: String]
    ) async throws {
        self.client = client
        self.bus = bus
        self.endpoints = endpoints
        context = try Context.ofProcess()
        before = (try await client.statistics(), .now)
    }

    /// Returns the state a second after the last look, with the rates since then.
    public mutating func next() async throws -> StoreActivity {
        // Rates are the differences between two looks, a second apart.
        try await Task.sleep(until: before.at + .seconds(1))
        let (statistics, now) = (try await client.statistics(), ContinuousClock.now)
        for (name, endpoint) in endpoints() where services[name] == nil {
            services[name] = try await ServiceClient(
                endpoint: endpoint, of: name, timeout: Self.timeout, actor: "", in: context)
        }
        async let states = Self.states(of: services, head: statistics.head)
        let activity = StoreActivity(
            statistics, since: before.statistics, now - before.at, at: .now(),
            queues: try await bus.query(BusCall.queues, Nothing()),
            archives: try await bus.query(BusCall.archives, Nothing()),
            services: await states)
        before = (statistics, now)
        return activity
    }

    /// Returns the state of each service, in the order of their names.
    ///
    /// - Parameter head: the head of the log, which the lags are measured from.
    private static func states(
        of services: [String: ServiceClient], head: UInt64
    ) async -> [StoreActivity.Service] {
        await withTaskGroup { group in
            for (name, client) in services {
                group.addTask {
                    let status: ServiceStatus? = try? await client.query("status", Nothing())
                    return StoreActivity.Service(name, status, head: head)
                }
            }
            return await group.reduce(into: []) { $0.append($1) }.sorted { $0.name < $1.name }
        }
    }
}
