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

    /// What a service answers: its status, or what is wrong with it.
    enum Service: Sendable {
        case running(ServiceStatus)
        case faulty(String)
    }

    /// Returns the current obstacles, each with what to do about it, or none if all is well.
    func current() async -> [String] {
        do {
            let (queues, rules) = try await wiring()
            return Self.found(queues, rules, await services())
        } catch let error as ProtocolError where error.code != .unavailable {
            // A key that may place orders may still be denied the list of queues.
            return Self.faults(await services())
        } catch {
            return [
                "the event store does not answer at \(Endpoints.eventStore(home: home)): is it "
                    + "running?"
            ]
        }
    }

    /// Returns the obstacles that the queues, the rules and the services show.
    static func found(
        _ queues: [QueueView], _ rules: [RuleView], _ services: [String: Service]
    ) -> [String] {
        faults(services)
            + participants.flatMap { name in
                let status: ServiceStatus? =
                    if case .running(let status)? = services[name] { status } else { nil }
                let queue = queues.first { $0.queue.name == name }
                return disabled(rules.map(\.rule), of: name)
                    + [obstacle(name, queue, status?.participant)].compactMap(\.self)
            }
    }

    /// Returns what is wrong with each service that gives no answer or an error, and with the read
    /// model of the orders, which the import asks.
    private static func faults(_ services: [String: Service]) -> [String] {
        services.sorted { $0.key < $1.key }.compactMap { name, service in
            switch service {
            case .faulty(let fault): fault
            case .running(let status):
                name == "orders"
                    ? status.projection?.degraded.map { "\(name) is degraded: \($0.summary)" } : nil
            }
        }
    }

    private func wiring() async throws -> ([QueueView], [RuleView]) {
        try await EventStoreConnection.with(nil, home: home, timeout: Self.timeout) { store in
            let bus = try await store.busEndpoint()
            return (
                try await query("event-store", at: bus, BusCall.queues),
                try await query("event-store", at: bus, BusCall.rules)
            )
        }
    }

    private func services() async -> [String: Service] {
        await withTaskGroup(of: (String, Service).self) { group in
            for service in Self.participants + ["credit"] {
                group.addTask { (service, await answer(of: service)) }
            }
            return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
    }

    private func answer(of service: String) async -> Service {
        let endpoint = Endpoints.endpoint(of: service, home: home)
        do {
            return .running(try await query(service, at: endpoint, "status"))
        } catch let error as ProtocolError {
            return .faulty("\(service) answers with an error: \(error)")
        } catch {
            return .faulty("\(service) does not answer at \(endpoint): is it running?")
        }
    }

    private func query<Answer: Decodable & Sendable>(
        _ service: String, at endpoint: String, _ name: String
    ) async throws -> Answer {
        try await ServiceClient.with(
            service, at: endpoint, timeout: Self.timeout, actor: actor
        ) { try await $0.query(name, Nothing()) }
    }

    /// Returns which rules send nothing to the queue although they should.
    private static func disabled(_ rules: [RuleDefinition], of queue: String) -> [String] {
        let senders = rules.filter { $0.targets.contains { $0.queue == queue } }
        guard !senders.isEmpty else {
            return ["no rule sends events to queue '\(queue)'; \(create)"]
        }
        return senders.filter { !$0.isEnabled }.map {
            "rule '\($0.name)' is disabled; enable it with: event-store rules enable \($0.name)"
        }
    }

    private static func obstacle(
        _ name: String, _ view: QueueView?, _ participant: ParticipantStatus?
    ) -> String? {
        guard let view else { return "queue '\(name)' does not exist; \(create)" }
        if view.isPaused, view.depth > 0 {
            return "queue '\(name)' is paused and holds \(view.depth) events; resume it with: "
                + "event-store queues resume \(name)"
        }
        if view.deadLetters > 0 {
            return "queue '\(name)' has \(view.deadLetters) dead letters; list them with: "
                + "event-store dlq list --queue \(name)"
        }
        if participant?.state == .waiting {
            return "\(name) takes no events: it waits for its queue or for the event store"
        }
        if view.delayed > 0, let failure = participant?.lastFailure {
            return "\(name) failed to handle \(view.delayed) events and will retry them; the last "
                + "failure: \(failure)"
        }
        return nil
    }

    private static let create = "create it with: event-store rules apply Services/rules.json"
}
