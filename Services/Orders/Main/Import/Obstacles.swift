import CommandLine
import EventStoreClient
import WireProtocol

/// Finds out what keeps commands and sagas from making progress.
struct Obstacles: Sendable {
    /// How long a process may take to answer a query.
    private static let timeout: Duration = .seconds(1)
    private static let participants = ["orders", "route", "balance", "creditLimit"]

    let home: String
    let actor: String

    /// Returns the current obstacles, each with what to do about it, or none if all is well.
    func current() async -> [String] {
        do {
            let queues = try await queues()
            return await silentServices()
                + Self.participants.compactMap { name in
                    Self.obstacle(name, queues.first { $0.queue.name == name })
                }
        } catch let error as ProtocolError where error.code != .unavailable {
            // A key that may place orders may still be denied the list of queues.
            return await silentServices()
        } catch {
            return [
                "the event store does not answer at \(Endpoints.eventStore(home: home)): is it "
                    + "running?"
            ]
        }
    }

    private func queues() async throws -> [QueueView] {
        try await EventStoreConnection.with(nil, home: home, timeout: Self.timeout) { store in
            try await query(
                "event-store", at: try await store.busEndpoint(), BusCall.queues)
        }
    }

    /// Returns what is wrong with each service that gives no answer or an error.
    private func silentServices() async -> [String] {
        await withTaskGroup(of: String?.self) { group in
            for service in Self.participants + ["credit"] {
                group.addTask { await fault(of: service) }
            }
            var faults: [String] = []
            for await case let fault? in group { faults.append(fault) }
            return faults.sorted()
        }
    }

    private func fault(of service: String) async -> String? {
        let endpoint = Endpoints.endpoint(of: service, home: home)
        do {
            let _: ServiceStatus = try await query(service, at: endpoint, "status")
            return nil
        } catch let error as ProtocolError {
            return "\(service) answers with an error: \(error)"
        } catch {
            return "\(service) does not answer at \(endpoint): is it running?"
        }
    }

    private func query<Answer: Decodable & Sendable>(
        _ service: String, at endpoint: String, _ name: String
    ) async throws -> Answer {
        try await ServiceClient.with(
            service, at: endpoint, timeout: Self.timeout, actor: actor
        ) { try await $0.query(name, Nothing()) }
    }

    private static func obstacle(_ name: String, _ view: QueueView?) -> String? {
        guard let view else {
            return "queue '\(name)' does not exist; create it with: event-store rules apply "
                + "Services/rules.json"
        }
        if view.isPaused, view.depth > 0 {
            return "queue '\(name)' is paused and holds \(view.depth) events; resume it with: "
                + "event-store queues resume \(name)"
        }
        if view.deadLetters > 0 {
            return "queue '\(name)' has \(view.deadLetters) dead letters; list them with: "
                + "event-store dlq list --queue \(name)"
        }
        return nil
    }
}
