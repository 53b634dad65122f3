import EventSourcing
import Testing
import WireProtocol

@testable import EventBus

/// A queue state with a clock that the test advances. Its random numbers are always 0, so each
/// back-off has half of its full length.
final class Queue {
    var state: QueueState
    var now = BusTime(
        running: RunningTime(microseconds: 5_000_000), log: Timestamp(microseconds: 1_000_000_000))

    init(_ change: (inout QueueDefinition) -> Void = { _ in }) {
        var settings = QueueDefinition(name: "q")
        change(&settings)
        state = QueueState(settings: settings)
    }

    /// Enqueues entries of the group now.
    func enqueue(_ sequences: UInt64..., group: UInt64 = 0, receives: Int = 0) {
        for sequence in sequences {
            state.enqueue(entry(sequence, group: group, receives: receives))
        }
    }

    func entry(_ sequence: UInt64, group: UInt64 = 0, receives: Int = 0) -> QueueEntry {
        QueueEntry(
            sequence: sequence, position: sequence, group: GroupKey(high: 0, low: group),
            enqueuedAt: now.log, receives: receives)
    }

    func receive(
        _ max: Int = 10, visibility: Duration? = nil, consumer: String = "a",
        token: EventID = .none
    ) -> [QueueState.Delivery] {
        state.receive(
            max: max, visibility: visibility, consumer: consumer, token: token, now: now)
    }

    /// Whether the consumer would get an entry.
    func mayReceive(_ consumer: String) -> Bool { state.mayReceive(consumer) }

    /// Receives one entry, and throws if the queue is empty.
    func next() throws -> QueueState.Delivery { try #require(receive(1).first) }

    /// Receives entries and returns their sequences.
    func received(_ max: Int = 10, consumer: String = "a") -> [UInt64] {
        receive(max, consumer: consumer).map(\.entry.sequence)
    }

    func acknowledge(_ delivery: QueueState.Delivery) -> Bool {
        state.acknowledge(delivery.entry.sequence, lease: delivery.lease)
    }

    func extend(_ delivery: QueueState.Delivery, by visibility: Duration? = nil) -> Bool {
        state.extend(
            delivery.entry.sequence, lease: delivery.lease, visibility: visibility, now: now)
    }

    func giveUp(_ delivery: QueueState.Delivery, lease: UInt64? = nil) -> Bool {
        state.giveUp(
            delivery.entry.sequence, lease: lease ?? delivery.lease, error: "it is odd")
    }

    func fail(_ delivery: QueueState.Delivery, delay: Duration? = nil) -> Bool {
        state.fail(
            delivery.entry.sequence, lease: delivery.lease, error: "no", delay: delay, now: now,
            random: { 0 })
    }

    func takeBack(_ delivery: QueueState.Delivery) -> Bool {
        state.takeBack(delivery.entry.sequence, lease: delivery.lease)
    }

    func pass(_ duration: Duration) {
        now = now + duration
        state.tick(now: now, random: { 0 })
    }

    /// How long it takes until the next tick; nil if no tick is needed.
    func nextTick() -> Duration? {
        let next = state.nextTick()
        return [next.running.map { $0 - now.running }, next.log.map { $0 - now.log }]
            .compactMap(\.self).min()
    }

    /// The changes since the last call except leases, for example `died 1 MaximumAge`.
    func changes() -> [String] {
        state.takeChanges().filter { !$0.isLease }.map { change in
            switch change {
            case .leased(let entry): "leased \(entry.sequence)"
            case .voided(let entry): "voided \(entry.sequence)"
            case .retried(let entry): "retried \(entry.sequence)"
            case .acknowledged(let sequence): "done \(sequence)"
            case .deadLettered(let entry, let cause): "died \(entry.sequence) \(cause.rawValue)"
            case .dropped(let entry, let cause): "dropped \(entry.sequence) \(cause.rawValue)"
            }
        }
    }
}

extension QueueState.Change {
    fileprivate var isLease: Bool {
        if case .leased = self { true } else { false }
    }
}

extension BusTime {
    static func + (time: BusTime, duration: Duration) -> BusTime {
        BusTime(running: time.running + duration, log: time.log + duration)
    }
}

let group = GroupKey(high: 0, low: 0)
