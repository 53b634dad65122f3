import EventSourcing
import EventStoreClient
import Foundation
import JSON
import Keys
import WireProtocol
import ZeroMQ

/// Looks at the event store and at the services once a second, and says what it sees: in place on a
/// terminal, else in a line.
struct StoreWatch {
    private let client: EventStoreClient
    private let bus: ServiceClient
    private let services: ServiceWatch

    /// - Parameter services: by name, where they are.
    init(
        _ client: EventStoreClient, _ bus: ServiceClient, services: [String: String]
    ) async throws {
        self.client = client
        self.bus = bus
        self.services = try await ServiceWatch(services)
    }

    /// Goes on until cancelled, or until nobody reads any more what it says.
    func run(json: Bool) async throws {
        signal(SIGPIPE, SIG_IGN)
        let isInPlace = !json && isatty(STDOUT_FILENO) == 1
        var (before, then) = (try await client.statistics(), ContinuousClock.now)
        // Wiped once; from then on lines are written over those before them.
        guard try say(isInPlace ? "\u{1B}[2J" : "") else { return }
        while true {
            // The second that a rate is of.
            try await Task.sleep(until: then + .seconds(1))
            let (statistics, now) = (try await client.statistics(), ContinuousClock.now)
            async let services = services.look(head: statistics.head)
            let glance = StoreGlance(
                statistics, since: before, now - then, at: .now(),
                queues: try await bus.query(BusCall.queues, Nothing()),
                archives: try await bus.query(BusCall.archives, Nothing()),
                services: await services)
            (before, then) = (statistics, now)
            let text =
                if json {
                    try JSON.text(glance) + "\n"
                } else if isInPlace {
                    "\u{1B}[H" + glance.lines.map { $0 + "\u{1B}[K\n" }.joined() + "\u{1B}[J"
                } else {
                    glance.line + "\n"
                }
            guard try say(text) else { return }
        }
    }

    /// False if nobody is left to read it.
    private func say(_ text: String) throws -> Bool {
        do {
            try FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
            return true
        } catch {
            let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
            guard cause?.code != Int(EPIPE) else { return false }
            throw DaybookError(
                .storage, "its output can't be written: \(error.localizedDescription)")
        }
    }
}

/// Asks the services how far they are.
private struct ServiceWatch: Sendable {
    /// One that does not answer holds up nobody.
    private static let patience: Duration = .milliseconds(500)

    private var clients: [String: ServiceClient] = [:]

    /// - Parameter endpoints: by the services' names.
    init(_ endpoints: [String: String]) async throws {
        let context = try Context.ofProcess()
        for (name, endpoint) in endpoints {
            clients[name] = try await ServiceClient(
                endpoint: endpoint, of: name, timeout: Self.patience, actor: "", in: context)
        }
    }

    /// - Parameter head: of the log, a moment ago.
    func look(head: UInt64) async -> [StoreGlance.Service] {
        await withTaskGroup { group in
            for (name, client) in clients {
                group.addTask {
                    let status: ServiceStatus? = try? await client.query("status", Nothing())
                    return StoreGlance.Service(name, status, head: head)
                }
            }
            return await group.reduce(into: []) { $0.append($1) }.sorted { $0.name < $1.name }
        }
    }
}
