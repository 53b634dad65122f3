import EventSourcing
import Testing
import WireProtocol

@testable import EventBus

@Suite struct `Dead letters of an earlier process` {
    private let now = BusTime(running: .zero, log: Timestamp(microseconds: 0))
    private let route = Route(queue: "q", rule: "r")

    /// A queue with an event of a group of its own at each position.
    private func deliveries(_ positions: [UInt64]) throws -> Deliveries {
        var deliveries = Deliveries(window: 12, random: { 0.5 })
        deliveries.put(QueueDefinition(name: "q"), at: 1, now: now)
        deliveries["q"]?.start(at: 1)
        for position in positions {
            _ = deliveries.route(try event(at: position), to: route, at: now.log)
        }
        return deliveries
    }

    private func event(at position: UInt64) throws -> RecordedEvent {
        try .made(at: position, group: EventID(high: 1, low: position), time: now.log)
    }

    /// The letter of the event at the position, which had another place then.
    private func letter(
        of position: UInt64, place: UInt64, in deliveries: Deliveries
    ) throws -> DeadLetter {
        let event = try event(at: position)
        return DeadLetter(
            queue: "q", rule: "r", replay: nil, position: position, event: event.id, type: "T",
            sequence: place, group: deliveries.keys(of: "q").label(of: event),
            cause: .maximumReceives, error: nil, receives: 1, enqueuedAt: now.log,
            firstReceivedAt: nil)
    }

    private func received(_ deliveries: inout Deliveries) throws -> [UInt64] {
        let request = ReceiveRequest(
            queue: "q", consumer: "c", token: EventID(high: 3, low: 1), maximum: 10,
            visibilityTimeout: 30, wait: 0)
        let receive = try deliveries.receive(request, at: now.running)
        deliveries.begin(receive, at: now.running)
        guard case .deliveries(let leased) = deliveries.lease(for: receive, at: now)
        else { return [] }
        return leased.map(\.entry.position)
    }

    @Test func `Event with a letter is not delivered`() throws {
        var deliveries = try deliveries([2, 3, 4])
        let first = try #require(deliveries["q"]?.state.entries.keys.min())
        let own = try letter(of: 3, place: first + 1, in: deliveries)
        let place = try #require(deliveries["q"]?.place(of: own))
        _ = deliveries.deadLetter(own, at: place, now: now)
        #expect(place == first + 1)
        #expect(try received(&deliveries) == [2, 4])
    }

    @Test func `Letter whose place another event has now removes no event`() throws {
        var deliveries = try deliveries([2, 3, 4])
        let first = try #require(deliveries["q"]?.state.entries.keys.min())
        let shifted = try letter(of: 9, place: first, in: deliveries)
        #expect(deliveries["q"]?.place(of: shifted) == nil)
        _ = deliveries.deadLetter(shifted, at: 0, now: now)
        #expect(try received(&deliveries) == [2, 3, 4])
    }
}
