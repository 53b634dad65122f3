import EventSourcing
import Testing
import WireProtocol

@testable import OrdersMain

@Suite struct `Obstacles of an import` {
    private static let names = ["orders", "route", "balance", "creditLimit"]
    private var queues = names.map { QueueView(queue: QueueDefinition(name: $0)) }
    private var rules = names.map { name in
        RuleView(
            rule: RuleDefinition(
                name: "\(name)-1", description: "", pattern: "{}", targets: [RuleTarget(name)]),
            isManaged: false, matched: 0, changedAt: .earliest, changedBy: "")
    }
    private var statuses: [String: ServiceStatus] = Dictionary(
        uniqueKeysWithValues: (names + ["credit"]).map { ($0, status($0)) })

    private static func status(_ name: String) -> ServiceStatus {
        var participant = ParticipantStatus(queue: name, store: "")
        participant.state = .running
        return ServiceStatus(
            service: name, processID: 1, startedAt: .earliest, log: .none, head: 1,
            projection: ProjectionStatus(checkpoint: 1, store: ""), participant: participant)
    }

    private func found(_ services: [String: Obstacles.Service] = [:]) -> [String] {
        Obstacles.found(
            queues, rules, statuses.mapValues { .running($0) }.merging(services) { $1 })
    }

    @Test func `Suite at work has no obstacle`() {
        #expect(found() == [])
    }

    @Test func `Services that do not answer are obstacles`() {
        #expect(found(["credit": .faulty("no"), "balance": .faulty("none")]) == ["none", "no"])
    }

    @Test mutating func `Missing, paused and dead queues are obstacles`() {
        queues.removeFirst()
        (queues[0].isPaused, queues[0].depth) = (true, 2)
        queues[1].deadLetters = 3
        // It holds nothing, so nothing waits for it.
        queues[2].isPaused = true
        #expect(
            found() == [
                "queue 'orders' does not exist; create it with: event-store rules apply "
                    + "Services/rules.json",
                "queue 'route' is paused and holds 2 events; resume it with: event-store queues "
                    + "resume route",
                "queue 'balance' has 3 dead letters; list them with: event-store dlq list --queue "
                    + "balance",
            ])
    }

    @Test mutating func `Disabled and missing rules are obstacles`() {
        rules[1].rule.isEnabled = false
        rules.remove(at: 3)
        #expect(
            found() == [
                "rule 'route-1' is disabled; enable it with: event-store rules enable route-1",
                "no rule sends events to queue 'creditLimit'; create it with: event-store rules "
                    + "apply Services/rules.json",
            ])
    }

    @Test mutating func `Participants that wait or fail are obstacles`() {
        statuses["route"]?.participant?.state = .waiting
        statuses["balance"]?.participant?.lastFailure = "OrderConfirmed at position 7: no"
        // A failure does not count if no event waits for a retry.
        statuses["orders"]?.participant?.lastFailure = "OrderPlaced at position 5: no"
        queues[2].delayed = 1
        #expect(
            found() == [
                "route takes no events: it waits for its queue or for the event store",
                "balance failed to handle 1 events and will retry them; the last failure: "
                    + "OrderConfirmed at position 7: no",
            ])
    }

    @Test mutating func `Degraded read model is an obstacle if it is the one of the orders`() {
        let degraded = Degradation(stoppedEntities: 1, unreadableEvents: 2, first: [])
        statuses["balance"]?.projection?.degraded = degraded
        #expect(found() == [])
        statuses["orders"]?.projection?.degraded = degraded
        #expect(found() == ["orders is degraded: \(degraded.summary)"])
    }
}
