import EventStoreClient
import ServiceKit
import WireProtocol

/// The wait for the services that take part in sagas.
struct Settling {
    let store: EventStoreClient
    let bus: ServiceClient

    /// The queues of these names, once everything in the log has been handled, but for dead letters
    /// and what waits behind them.
    ///
    /// - Throws: `Problem` if a queue is not there, or the services are at work for longer than
    ///   `timeout`.
    func queues(_ names: [String], within timeout: Duration) async throws -> [QueueView] {
        let deadline = ContinuousClock.now + timeout
        while ContinuousClock.now < deadline {
            let head = try await store.welcome(timeout: timeout).head
            let views: [QueueView] = try await bus.query(
                BusCall.queues, Nothing(), atLeast: head)
            let queues = try names.map { name in
                guard let view = views.first(where: { $0.queue.name == name }) else {
                    throw Problem.data(
                        "queue '\(name)' is not there; start the event store with --rules "
                            + "Services/rules.json")
                }
                return view
            }
            // What is acknowledged has had its effects. If those were none, the log has not grown.
            if queues.allSatisfy(\.isAtRest),
                try await store.welcome(timeout: timeout).head == head
            {
                return queues
            }
            // The services are at work; look again when they have come some way.
            try await Task.sleep(for: .milliseconds(20))
        }
        throw Problem.data("the services were still at work after \(timeout)")
    }
}

extension QueueView {
    /// Whether nothing of it will be delivered as things are.
    fileprivate var isAtRest: Bool {
        !isFilling && inFlight == 0 && depth == waitingBehindDead
    }
}
