import AuditDomain
import EventStoreClient
import WireProtocol

/// Waits for the services that take part in sagas.
struct ParticipantWait {
    /// The queues of the participants in the order's saga, which must exist.
    static let participants = ["orders", "route", "balance", "creditLimit"]

    let store: EventStoreClient
    let bus: ServiceClient
    /// The names of all services. The queue of a service has its name, if it has one.
    let services: Set<String>

    /// Waits until the participants have handled everything in the log that no obstacle holds back.
    ///
    /// - Returns: the obstacles: missing queues, paused queues, dead letters, and queues whose
    ///   participants are still at work after `timeout`.
    func wait(_ timeout: Duration) async throws -> [Report.Entry] {
        let deadline = ContinuousClock.now + timeout
        while true {
            let head = try await store.welcome(timeout: timeout).head
            let views: [QueueView] = try await bus.query(BusCall.queues, Nothing(), atLeast: head)
            let queues = views.filter { services.contains($0.queue.name) }
            // The effects of an acknowledged event are in the log. If the log has not grown since,
            // there were none.
            let hasGrown = try await store.welcome(timeout: timeout).head > head
            let isAtRest = queues.allSatisfy(\.isAtRest) && !hasGrown
            if isAtRest || ContinuousClock.now >= deadline {
                let others = Set(queues.map(\.queue.name)).subtracting(Self.participants)
                return (Self.participants + others.sorted()).flatMap { name in
                    Self.obstacles(name, queues.first { $0.queue.name == name })
                }
            }
            // The services are still at work. The pause keeps the queries from slowing them down.
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    private static func obstacles(_ name: String, _ view: QueueView?) -> [Report.Entry] {
        var obstacles: [Report.Entry] = []
        func add(_ text: String, _ remedy: String...) {
            obstacles.append(Report.Entry(Finding(.queue, text), remedy: remedy))
        }
        guard let view else {
            add(
                "queue '\(name)' does not exist; 'event-store serve' creates it if a new store is "
                    + "started with --rules Services/rules.json",
                Remedies.applyRules)
            return obstacles
        }
        if view.isPaused {
            add("queue \(name) is paused and holds \(view.depth) events", Remedies.resume(name))
        }
        if !view.isAtRest {
            add(
                "queue \(name) is not empty: \(view.depth) events wait, \(view.delayed) of them "
                    + "for a retry, and \(view.inFlight) are in flight; they may explain other "
                    + "findings")
        }
        if view.deadLetters > 0 {
            add(
                "queue \(name) has dead letters (\(view.deadLetters)), with events waiting behind "
                    + "them (\(view.waitingBehindDead)); list them with: event-store dlq list",
                "event-store dlq redrive --queue \(name)")
        }
        return obstacles
    }
}

extension QueueView {
    /// Whether the queue has been filled, no event is in flight, and all other events are paused or
    /// wait behind dead letters.
    fileprivate var isAtRest: Bool {
        !isFilling && inFlight == 0 && (isPaused || depth == waitingBehindDead)
    }
}
