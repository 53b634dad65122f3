import EventSourcing
import EventStoreClient
import Foundation
import JSON
import Keys
import Observability
import WireProtocol
import ZeroMQ

/// Shows the state of the event store and the services once a second.
///
/// On a terminal it redraws the screen. Elsewhere it prints one line each time.
struct StoreWatch {
    private let client: EventStoreClient
    private let bus: ServiceClient
    private let home: String

    /// Creates a watch of a store.
    ///
    /// - Parameter home: the folder of the suite's state, where the services are.
    init(_ client: EventStoreClient, _ bus: ServiceClient, home: String) {
        self.client = client
        self.bus = bus
        self.home = home
    }

    /// Shows the state until the task is cancelled or the reader closes the output.
    func run(json: Bool) async throws {
        signal(SIGPIPE, SIG_IGN)
        let isInPlace = !json && isatty(STDOUT_FILENO) == 1
        var watch = try ServiceWatch()
        var (before, then) = (try await client.statistics(), ContinuousClock.now)
        // The screen is cleared once. Later output overwrites the lines, to avoid flicker.
        guard try say(isInPlace ? "\u{1B}[2J" : "") else { return }
        while true {
            // Rates are the differences between two looks, a second apart.
            try await Task.sleep(until: then + .seconds(1))
            let (statistics, now) = (try await client.statistics(), ContinuousClock.now)
            // A service may start while the watch runs.
            try await watch.add(Endpoints.services(home: home))
            let known = watch
            async let services = known.read(head: statistics.head)
            let activity = StoreActivity(
                statistics, since: before, now - then, at: .now(),
                queues: try await bus.query(BusCall.queues, Nothing()),
                archives: try await bus.query(BusCall.archives, Nothing()),
                services: await services)
            (before, then) = (statistics, now)
            let text =
                if json {
                    try JSON.text(activity) + "\n"
                } else if isInPlace {
                    "\u{1B}[H" + activity.lines.map { $0 + "\u{1B}[K\n" }.joined() + "\u{1B}[J"
                } else {
                    activity.line + "\n"
                }
            guard try say(text) else { return }
        }
    }

    /// Writes text to standard output. Returns false if the reader has closed it.
    private func say(_ text: String) throws -> Bool {
        do {
            try FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
            return true
        } catch {
            let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
            guard cause?.code != Int(EPIPE) else { return false }
            throw DaybookError(
                .storage, "can't write the output: \(error.localizedDescription)")
        }
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
