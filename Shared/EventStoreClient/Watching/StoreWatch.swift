import EventSourcing
import Keys
import Observability
import WireProtocol
import ZeroMQ

/// Reads the state of the event store and the services once a second.
public struct StoreWatch: Sendable {
    private let client: EventStoreClient
    private let bus: ServiceClient
    private let endpoints: @Sendable () -> [String: String]
    private var services: ServiceWatch
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
        services = try ServiceWatch()
        before = (try await client.statistics(), .now)
    }

    /// Returns the state a second after the last look, with the rates since then.
    public mutating func next() async throws -> StoreActivity {
        // Rates are the differences between two looks, a second apart.
        try await Task.sleep(until: before.at + .seconds(1))
        let (statistics, now) = (try await client.statistics(), ContinuousClock.now)
        try await services.add(endpoints())
        let watched = services
        async let services = watched.read(head: statistics.head)
        let activity = StoreActivity(
            statistics, since: before.statistics, now - before.at, at: .now(),
            queues: try await bus.query(BusCall.queues, Nothing()),
            archives: try await bus.query(BusCall.archives, Nothing()),
            services: await services)
        before = (statistics, now)
        return activity
    }
}

/// Asks the services for their status.
private struct ServiceWatch: Sendable {
    /// How long to wait for a service. One that does not answer must not delay the others.
    private static let timeout: Duration = .milliseconds(500)

    private let context: Context
    private var clients: [String: ServiceClient] = [:]

    init() throws { context = try Context.ofProcess() }

    /// Creates a client of each service that has none.
    ///
    /// - Parameter endpoints: the endpoints of the services, by name.
    mutating func add(_ endpoints: [String: String]) async throws {
        for (name, endpoint) in endpoints where clients[name] == nil {
            clients[name] = try await ServiceClient(
                endpoint: endpoint, of: name, timeout: Self.timeout, actor: "", in: context)
        }
    }

    /// Returns the state of each service, in the order of their names.
    ///
    /// - Parameter head: the head of the log, which the lags are measured from.
    func read(head: UInt64) async -> [StoreActivity.Service] {
        await withTaskGroup { group in
            for (name, client) in clients {
                group.addTask {
                    let status: ServiceStatus? = try? await client.query("status", Nothing())
                    return StoreActivity.Service(name, status, head: head)
                }
            }
            return await group.reduce(into: []) { $0.append($1) }.sorted { $0.name < $1.name }
        }
    }
}
